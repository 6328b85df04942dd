#pragma once

#include <metalaudio/audio/output_file.h>
#include <taglib/tiostream.h>

namespace metalaudio::audio {

/// An OutputFile as TagLib edits files; failures wait for OutputFile::check().
/// Threads:  one instance per thread.
class TagStream final : public TagLib::IOStream {
 public:
  explicit TagStream(OutputFile& file) : file_(file) {}

  TagLib::FileName name() const override { return file_.target().c_str(); }
  TagLib::ByteVector readBlock(unsigned long length) override;
  void writeBlock(const TagLib::ByteVector& data) override;
  void insert(const TagLib::ByteVector& data, unsigned long start, unsigned long replace) override;
  void removeBlock(unsigned long start, unsigned long length) override;
  bool readOnly() const override { return false; }
  bool isOpen() const override { return true; }
  void seek(long offset, Position from) override;
  long tell() const override { return file_.position(); }
  long length() override { return file_.size(); }
  void truncate(long length) override { file_.truncate(length); }

 private:
  void move(std::int64_t from, std::int64_t to, std::int64_t bytes);

  OutputFile& file_;
};

}  // namespace metalaudio::audio
