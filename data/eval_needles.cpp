#include "data/error.h"
#include "data/eval_tables.h"
#include "data/hdf5_tables.h"

namespace dendrokv {

void write_needles(h5::File& file, const std::string& group, const NeedleTable& table) {
  file.create_group(group);
  const auto& needles = table.needles;
  std::vector<std::string> subjects, answers;
  for (const Needle& needle : needles) {
    subjects.push_back(needle.subject);
    answers.push_back(needle.answer);
  }
  file.write_texts(group + "/subject", subjects);
  file.write_texts(group + "/answer", answers);
  h5::write_column<int32_t>(file, group + "/depth", needles, [](const auto& n) { return n.depth; });
  h5::write_column<int32_t>(file, group + "/question_first", needles,
                            [](const auto& n) { return n.question_first; });
  h5::write_column<int32_t>(file, group + "/answer_first", needles,
                            [](const auto& n) { return n.answer_first; });
  h5::write_column<int32_t>(file, group + "/answer_end", needles,
                            [](const auto& n) { return n.answer_end; });
  h5::write_grid(file, group + "/loss", table.loss);
  h5::write_grid(file, group + "/found", table.found);
  h5::write_grid(file, group + "/held", table.held);
}

NeedleTable read_needles(const h5::File& file, const std::string& group, size_t policies,
                         size_t tokens) {
  const std::string subject = file.name() + ": " + group;
  NeedleTable table;
  const std::vector<std::string> subjects = file.read_texts(group + "/subject");
  const std::vector<std::string> answers = file.read_texts(group + "/answer");
  const size_t count = subjects.size();
  if (answers.size() != count)
    fail(subject, std::to_string(answers.size()) + " answers",
         "wanted " + std::to_string(count) + ", one for each subject");
  const auto depth = h5::read_list<int32_t>(file, group + "/depth", count);
  const auto question = h5::read_list<int32_t>(file, group + "/question_first", count);
  const auto first = h5::read_list<int32_t>(file, group + "/answer_first", count);
  const auto end = h5::read_list<int32_t>(file, group + "/answer_end", count);
  for (size_t needle = 0; needle < count; ++needle)
    table.needles.push_back(
        {place_in(subject, depth[needle], tokens), place_in(subject, question[needle], tokens),
         place_in(subject, first[needle], tokens), place_in(subject, end[needle], tokens),
         subjects[needle], answers[needle]});
  table.loss = h5::read_grid<float>(file, group + "/loss", policies, count);
  table.found = h5::read_grid<int32_t>(file, group + "/found", policies, count);
  table.held = h5::read_grid<float>(file, group + "/held", policies, count);
  return table;
}

}  // namespace dendrokv
