#include <gtest/gtest.h>
#include <metalaudio/core/half.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace metalaudio {
namespace {

/// A format with `digits` bits of significand, the hidden one among them, whose normal numbers
/// start at 2^least and whose largest exponent is `most`.
struct Format {
  int digits;
  int least;
  int most;
};
constexpr Format kHalf{11, -14, 15};
constexpr Format kBrain{8, -126, 127};

/// The nearest value of the format in double, which holds all of them; ties to even.
double nearest(double x, const Format& format) {
  if (x == 0 || std::isinf(x)) return x;
  const int exponent = std::max(std::ilogb(x), format.least);
  const double unit = std::ldexp(1.0, exponent - format.digits + 1);
  const double rounded = std::nearbyint(x / unit) * unit;
  return std::abs(rounded) < std::ldexp(1.0, format.most + 1)
             ? rounded
             : std::copysign(std::numeric_limits<double>::infinity(), x);
}

template <typename T>
T of_bits(std::uint32_t bits) {
  return std::bit_cast<T>(static_cast<std::uint16_t>(bits));
}

bool is_quiet_nan(float x) {
  return std::isnan(x) && (std::bit_cast<std::uint32_t>(x) & 0x0040'0000U) != 0;
}

/// What a value of the format means, from its fields.
double meaning(std::uint32_t bits, const Format& format) {
  const int fraction_bits = format.digits - 1;
  const auto fraction = static_cast<double>(bits & ((1U << fraction_bits) - 1U));
  const int field = static_cast<int>((bits & 0x7FFFU) >> fraction_bits);
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  if (field == 0) return sign * std::ldexp(fraction, format.least - fraction_bits);
  if (field == format.most + 1 - format.least + 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  return sign * std::ldexp(fraction + std::ldexp(1.0, fraction_bits),
                           format.least + field - 1 - fraction_bits);
}

template <typename T>
void check_all_values(const Format& format) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const T value = of_bits<T>(bits);
    const auto wide = static_cast<float>(value);
    const double expected = meaning(bits, format);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(wide)) << bits;
      ASSERT_TRUE(is_quiet_nan(static_cast<float>(T(wide)))) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(wide), expected) << bits;
      ASSERT_EQ(T(wide).bits, bits);
    }
  }
}

template <typename T>
void check_rounding(float x, const Format& format) {
  const T narrow(x);
  const auto got = static_cast<float>(narrow);
  if (std::isnan(x)) {
    ASSERT_TRUE(is_quiet_nan(got)) << std::bit_cast<std::uint32_t>(x);
  } else {
    ASSERT_EQ(static_cast<double>(got), nearest(static_cast<double>(x), format)) << x;
    ASSERT_EQ(std::signbit(got), std::signbit(x)) << x;
  }
}

/// Every value, the middle to the next one, and the floats beside both.
template <typename T>
void check_edges(const Format& format) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto here = std::bit_cast<std::uint32_t>(static_cast<float>(of_bits<T>(bits)));
    const auto next = std::bit_cast<std::uint32_t>(
        static_cast<float>(of_bits<T>((bits & 0x8000U) | ((bits + 1) & 0x7FFFU))));
    for (const std::uint32_t edge : {here, here + (next - here) / 2}) {
      for (const std::uint32_t near : {edge - 1, edge, edge + 1}) {
        check_rounding<T>(std::bit_cast<float>(near), format);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

template <typename T>
void check_spread(const Format& format) {
  constexpr std::uint64_t kStep = 4099;  // a prime: every pattern of low bits comes up
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += kStep) {
    check_rounding<T>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)), format);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(Float16, EveryValueMeansWhatTheStandardSaysAndComesBack) { check_all_values<Float16>(kHalf); }
TEST(BFloat16, EveryValueMeansItsUpperHalfAndComesBack) { check_all_values<BFloat16>(kBrain); }

TEST(Float16, RoundsToNearestAtEveryEdge) { check_edges<Float16>(kHalf); }
TEST(BFloat16, RoundsToNearestAtEveryEdge) { check_edges<BFloat16>(kBrain); }

TEST(Float16, RoundsFloatsOfEveryKind) { check_spread<Float16>(kHalf); }
TEST(BFloat16, RoundsFloatsOfEveryKind) { check_spread<BFloat16>(kBrain); }

TEST(Float16, OverflowsToInfinityFromHalfwayOn) {
  EXPECT_EQ(Float16(65504.0F).bits, 0x7BFF);
  EXPECT_EQ(Float16(std::nextafter(65520.0F, 0.0F)).bits, 0x7BFF);
  EXPECT_EQ(Float16(65520.0F).bits, 0x7C00);
  EXPECT_EQ(Float16(-1e30F).bits, 0xFC00);
}

TEST(BFloat16, ANanWithOnlyLowBitsStaysANan) {
  for (const std::uint32_t bits : {0x7F80'0001U, 0x7FFF'FFFFU, 0xFF80'0001U, 0xFFFF'FFFFU}) {
    EXPECT_TRUE(is_quiet_nan(static_cast<float>(BFloat16(std::bit_cast<float>(bits))))) << bits;
  }
}

static_assert(Float16(1.0F).bits == 0x3C00 && static_cast<float>(Float16(0.5F)) == 0.5F);
static_assert(BFloat16(1.0F).bits == 0x3F80 && static_cast<float>(BFloat16(0.5F)) == 0.5F);

#if defined(__x86_64__)
__attribute__((target("f16c"))) std::uint16_t narrow_by_hardware(float x) {
  return static_cast<std::uint16_t>(
      _mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT)));
}
__attribute__((target("f16c"))) float widen_by_hardware(std::uint16_t bits) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}

/// Bit for bit, NaNs too. Where the processor has no such instruction the double reference above
/// has said the same.
TEST(Float16, EqualsTheProcessorsOwnConversion) {
  if (!__builtin_cpu_supports("f16c")) return;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(static_cast<float>(of_bits<Float16>(bits))),
              std::bit_cast<std::uint32_t>(widen_by_hardware(half)))
        << bits;
  }
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 257) {
    const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    ASSERT_EQ(Float16(x).bits, narrow_by_hardware(x)) << bits;
  }
}
#endif

}  // namespace
}  // namespace metalaudio
