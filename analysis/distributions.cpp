#include "analysis/distributions.h"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "data/error.h"

namespace dendrokv {

double normal_quantile(double probability) {
  DENDROKV_ASSERT(probability > 0 && probability < 1);
  return boost::math::quantile(boost::math::normal(), probability);
}

double normal_upper_tail(double value) {
  return boost::math::cdf(boost::math::complement(boost::math::normal(), value));
}

double student_quantile(double degrees, double probability) {
  DENDROKV_ASSERT(degrees > 0 && probability > 0 && probability < 1);
  return boost::math::quantile(boost::math::students_t(degrees), probability);
}

double chi_squared_quantile(double degrees, double probability) {
  DENDROKV_ASSERT(degrees > 0 && probability > 0 && probability < 1);
  return boost::math::quantile(boost::math::chi_squared(degrees), probability);
}

double chi_squared_upper_tail(double degrees, double value) {
  DENDROKV_ASSERT(degrees > 0 && value >= 0);
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(degrees), value));
}

}  // namespace dendrokv
