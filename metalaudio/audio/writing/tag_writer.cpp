#include <attachedpictureframe.h>
#include <flacfile.h>
#include <id3v2tag.h>
#include <infotag.h>
#include <metalaudio/audio/writing/tag_stream.h>
#include <metalaudio/audio/writing/tag_writer.h>
#include <mp4file.h>
#include <mpegfile.h>
#include <opusfile.h>
#include <tpropertymap.h>
#include <vorbisfile.h>
#include <xiphcomment.h>

#include <array>
#include <memory>
#include <string>

namespace metalaudio::audio {
namespace {

TagLib::String string_of(const std::string& text) { return {text, TagLib::String::UTF8}; }

TagLib::ByteVector bytes_of(const std::string& text) {
  return {text.data(), static_cast<unsigned>(text.size())};
}

TagLib::PropertyMap properties_of(const Tags& tags) {
  TagLib::PropertyMap properties;
  for (const auto& [name, texts] : tags.texts) {
    TagLib::StringList values;
    for (const std::string& text : texts) values.append(string_of(text));
    properties.insert(string_of(name), values);
  }
  return properties;
}

void fill_id3(const Tags& tags, TagLib::ID3v2::Tag& tag) {
  tag.setProperties(properties_of(tags));
  for (const Picture& picture : tags.pictures) {
    auto frame = std::make_unique<TagLib::ID3v2::AttachedPictureFrame>();
    frame->setMimeType(string_of(picture.mime_type));
    frame->setDescription(string_of(picture.description));
    frame->setType(static_cast<TagLib::ID3v2::AttachedPictureFrame::Type>(picture.kind));
    frame->setPicture(bytes_of(picture.bytes));
    tag.addFrame(frame.release());
  }
}

std::unique_ptr<TagLib::FLAC::Picture> flac_picture(const Picture& picture) {
  auto result = std::make_unique<TagLib::FLAC::Picture>();
  result->setMimeType(string_of(picture.mime_type));
  result->setDescription(string_of(picture.description));
  result->setType(static_cast<TagLib::FLAC::Picture::Type>(picture.kind));
  result->setData(bytes_of(picture.bytes));
  return result;
}

void append_chunk(OutputFile& file, const char* name, const TagLib::ByteVector& content) {
  TagLib::ByteVector chunk(name, 4);
  chunk.append(TagLib::ByteVector::fromUInt(content.size(), false));
  chunk.append(content);
  if (content.size() % 2 != 0) chunk.append('\0');
  file.seek(file.size());
  file.write(std::as_bytes(std::span(chunk.data(), chunk.size())));
}

/// Behind the samples, so that these stay where they are; TagLib itself knows no RF64.
void write_wav_tags(OutputFile& file, const Tags& tags) {
  std::array<char, 4> form{};
  file.seek(0);
  file.read(std::as_writable_bytes(std::span(form)));
  const bool is_long = std::string_view(form.data(), form.size()) == "RF64";
  if (file.size() % 2 != 0) {
    file.seek(file.size());
    file.write(std::as_bytes(std::span("", 1)));
  }
  TagLib::RIFF::Info::Tag info;
  info.setProperties(properties_of(tags));
  if (!info.isEmpty()) append_chunk(file, "LIST", info.render());
  TagLib::ID3v2::Tag id3;
  fill_id3(tags, id3);
  append_chunk(file, "id3 ", id3.render(TagLib::ID3v2::v3));
  const auto size = static_cast<unsigned long long>(file.size() - 8);
  const TagLib::ByteVector stated =
      is_long ? TagLib::ByteVector::fromLongLong(static_cast<long long>(size), false)
              : TagLib::ByteVector::fromUInt(static_cast<unsigned>(size), false);
  file.seek(is_long ? 20 : 4);
  file.write(std::as_bytes(std::span(stated.data(), stated.size())));
}

void write_flac_tags(TagStream& stream, const Tags& tags) {
  TagLib::FLAC::File flac(&stream, TagLib::ID3v2::FrameFactory::instance(), false);
  flac.xiphComment(true)->setProperties(properties_of(tags));
  for (const Picture& picture : tags.pictures) flac.addPicture(flac_picture(picture).release());
  flac.save();
}

void write_mp3_tags(TagStream& stream, const Tags& tags) {
  TagLib::MPEG::File mp3(&stream, TagLib::ID3v2::FrameFactory::instance(), false);
  fill_id3(tags, *mp3.ID3v2Tag(true));
  mp3.save(TagLib::MPEG::File::ID3v2, TagLib::File::StripOthers, TagLib::ID3v2::v3,
           TagLib::File::DoNotDuplicate);
}

template <typename OggFile>
void write_ogg_tags(TagStream& stream, const Tags& tags) {
  OggFile ogg(&stream, false);
  ogg.tag()->setProperties(properties_of(tags));
  for (const Picture& picture : tags.pictures)
    ogg.tag()->addPicture(flac_picture(picture).release());
  ogg.save();
}

void write_m4a_tags(TagStream& stream, const Tags& tags) {
  TagLib::MP4::File m4a(&stream, false);
  // Names that iTunes has no place for get one of their own.
  for (const auto& [name, values] : m4a.setProperties(properties_of(tags)))
    m4a.tag()->setItem("----:com.apple.iTunes:" + name, values);
  TagLib::MP4::CoverArtList covers;
  for (const Picture& picture : tags.pictures) {
    const auto format = picture.mime_type == "image/jpeg"  ? TagLib::MP4::CoverArt::JPEG
                        : picture.mime_type == "image/png" ? TagLib::MP4::CoverArt::PNG
                        : picture.mime_type == "image/gif" ? TagLib::MP4::CoverArt::GIF
                        : picture.mime_type == "image/bmp" ? TagLib::MP4::CoverArt::BMP
                                                           : TagLib::MP4::CoverArt::Unknown;
    covers.append({format, bytes_of(picture.bytes)});
  }
  if (!covers.isEmpty()) m4a.tag()->setItem("covr", covers);
  m4a.save();
}

}  // namespace

void write_tags(OutputFile& file, FileType type, const Tags& tags) {
  TagStream stream(file);
  file.seek(0);
  switch (type) {
    case FileType::wav:
      write_wav_tags(file, tags);
      break;
    case FileType::flac:
      write_flac_tags(stream, tags);
      break;
    case FileType::mp3:
      write_mp3_tags(stream, tags);
      break;
    case FileType::ogg:
      write_ogg_tags<TagLib::Ogg::Vorbis::File>(stream, tags);
      break;
    case FileType::opus:
      write_ogg_tags<TagLib::Ogg::Opus::File>(stream, tags);
      break;
    case FileType::m4a:
    case FileType::stem_m4a:
      write_m4a_tags(stream, tags);
      break;
  }
  file.check();
}

}  // namespace metalaudio::audio
