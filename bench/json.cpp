#include "bench/json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

namespace dendrokv::bench {

struct JsonObject::Impl {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
};

JsonObject::JsonObject() : impl_(std::make_unique<Impl>()) {}
JsonObject::JsonObject(JsonObject&&) noexcept = default;
JsonObject::~JsonObject() = default;

JsonObject& JsonObject::set(std::string_view name, double number) {
  auto& place = impl_->json[std::string(name)];
  if (std::isfinite(number)) place = number;
  return *this;
}

JsonObject& JsonObject::set(std::string_view name, size_t number) {
  impl_->json[std::string(name)] = number;
  return *this;
}

JsonObject& JsonObject::set(std::string_view name, std::string_view text) {
  impl_->json[std::string(name)] = std::string(text);
  return *this;
}

JsonObject& JsonObject::append(std::string_view name, JsonObject element) {
  impl_->json[std::string(name)].push_back(std::move(element.impl_->json));
  return *this;
}

void JsonObject::write_json(std::ostream& out) const {
  out << impl_->json.dump() << "\n";
}

namespace {

std::string plain(const nlohmann::ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

void JsonObject::write_lines(std::ostream& out) const {
  for (const auto& [name, value] : impl_->json.items()) {
    if (!value.is_array()) {
      out << name << " " << plain(value) << "\n";
      continue;
    }
    for (const auto& element : value) {
      out << name;
      for (const auto& [field, number] : element.items())
        out << "  " << field << " " << plain(number);
      out << "\n";
    }
  }
}

}  // namespace dendrokv::bench
