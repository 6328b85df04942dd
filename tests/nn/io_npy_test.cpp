#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/npy.h>

#include <cstring>
#include <numeric>

#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string text = std::string("\x93NUMPY") + version + '\0';
  const std::size_t size = dictionary.size();
  text += static_cast<char>(size & 0xFFU);
  text += static_cast<char>(size >> 8U);
  if (version > 1) text += std::string(2, '\0');
  return text + dictionary + data;
}

std::string header(const std::string& type, const std::string& order, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

std::string bytes_of(const std::vector<float>& values) {
  std::string bytes(values.size() * 4, '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(Npy, ComesBackAsItWasWritten) {
  const TestFolder folder;
  for (const DataType type : {DataType::f16, DataType::f32, DataType::f64, DataType::i8,
                              DataType::i64, DataType::u16, DataType::boolean}) {
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 0, 3}, Shape{2, 3, 4}}) {
      Tensor tensor(shape, type);
      for (std::size_t i = 0; i < tensor.bytes(); ++i)
        tensor.view().address()[i] = std::byte{i % 2 == 0};
      save_npy(folder / "a.npy", std::as_const(tensor).view());
      const Tensor read = load_npy(folder / "a.npy");
      EXPECT_EQ(read.type(), type);
      EXPECT_EQ(read.shape(), shape);
      EXPECT_EQ(std::memcmp(read.view().address(), tensor.view().address(), tensor.bytes()), 0);
    }
  }
}

TEST(Npy, ReadsFortranOrder) {
  // [[0, 1, 2], [3, 4, 5]] column by column.
  const std::string file = npy(header("<f4", "True", "(2, 3)"), bytes_of({0, 3, 1, 4, 2, 5}));
  const Tensor tensor = parse_npy(as_bytes(file));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(tensor.values()[i], static_cast<float>(i));
}

TEST(Npy, ReadsBigEndianAndTheLaterFormats) {
  const std::string file =
      npy(header(">i2", "False", "(2,)"), std::string("\x01\x02\xFF\xFE", 4), 3);
  const Tensor tensor = parse_npy(as_bytes(file));
  EXPECT_EQ(tensor.values_as<std::int16_t>()[0], 0x0102);
  EXPECT_EQ(tensor.values_as<std::int16_t>()[1], -2);
}

TEST(Npy, EndsInAnErrorWhereverTheFileIsCut) {
  const std::string file = npy(header("<f4", "False", "(2,)"), bytes_of({1, 2}));
  EXPECT_EQ(parse_npy(as_bytes(file)).size(), 2U);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(parse_npy(as_bytes(file).first(size)), Error) << size;
  }
}

TEST(Npy, RefusesWhatNoTensorHolds) {
  const auto refuse = [](ErrorCode code, const std::string& head) {
    const std::string file = npy(head, std::string(16, '\0'));
    expect_error(code, "", [&] { parse_npy(as_bytes(file)); });
  };
  refuse(ErrorCode::unsupported, header("<c8", "False", "(2,)"));
  refuse(ErrorCode::unsupported, header("|O", "False", "(2,)"));
  refuse(ErrorCode::unsupported, header("<U4", "False", "(1,)"));
  refuse(ErrorCode::invalid_data, header("<f4", "False", "(4611686018427387904, 4)"));
  refuse(ErrorCode::invalid_data, header("<f4", "False", "(-4,)"));
  refuse(ErrorCode::invalid_data, header("<f4", "False", "(5,)"));
  refuse(ErrorCode::invalid_data, "{}");
}

}  // namespace
}  // namespace metalaudio::nn
