#include <aifffile.h>
#include <apefile.h>
#include <apetag.h>
#include <asffile.h>
#include <asfpicture.h>
#include <attachedpictureframe.h>
#include <flacfile.h>
#include <flacpicture.h>
#include <id3v2tag.h>
#include <metalaudio/audio/reading/tag_pictures.h>
#include <mp4file.h>
#include <mpcfile.h>
#include <mpegfile.h>
#include <trueaudiofile.h>
#include <wavfile.h>
#include <wavpackfile.h>
#include <xiphcomment.h>

#include <array>
#include <utility>

namespace metalaudio::audio {
namespace {

std::string bytes_of(const TagLib::ByteVector& bytes) { return {bytes.data(), bytes.size()}; }

void add_id3(const TagLib::ID3v2::Tag* tag, std::vector<Picture>& all) {
  if (!tag) return;
  for (const TagLib::ID3v2::Frame* frame : tag->frameList("APIC"))
    if (const auto* picture = dynamic_cast<const TagLib::ID3v2::AttachedPictureFrame*>(frame))
      all.push_back({bytes_of(picture->picture()), picture->mimeType().to8Bit(true),
                     picture->description().to8Bit(true), static_cast<int>(picture->type())});
}

void add_flac(const TagLib::List<TagLib::FLAC::Picture*>& pictures, std::vector<Picture>& all) {
  for (const TagLib::FLAC::Picture* picture : pictures)
    all.push_back({bytes_of(picture->data()), picture->mimeType().to8Bit(true),
                   picture->description().to8Bit(true), static_cast<int>(picture->type())});
}

void add_mp4(const TagLib::MP4::Tag* tag, std::vector<Picture>& all) {
  if (!tag || !tag->contains("covr")) return;
  for (const TagLib::MP4::CoverArt& cover : tag->item("covr").toCoverArtList())
    all.push_back({bytes_of(cover.data()), ""});
}

void add_asf(const TagLib::ASF::Tag* tag, std::vector<Picture>& all) {
  if (!tag) return;
  for (const TagLib::ASF::Attribute& attribute : tag->attribute("WM/Picture")) {
    const TagLib::ASF::Picture picture = attribute.toPicture();
    if (picture.isValid())
      all.push_back({bytes_of(picture.picture()), picture.mimeType().to8Bit(true),
                     picture.description().to8Bit(true), static_cast<int>(picture.type())});
  }
}

/// An item of binary data: a file name, a zero, the picture.
void add_ape(const TagLib::APE::Tag* tag, std::vector<Picture>& all) {
  constexpr std::array<std::pair<const char*, int>, 2> kItems{
      {{"COVER ART (FRONT)", Picture::kFrontCover}, {"COVER ART (BACK)", 4}}};
  if (!tag) return;
  for (const auto& [name, kind] : kItems) {
    const auto item = tag->itemListMap().find(name);
    if (item == tag->itemListMap().end()) continue;
    std::string bytes = bytes_of(item->second.binaryData());
    bytes.erase(0, std::min(bytes.find('\0'), bytes.size() - 1) + 1);
    all.push_back({std::move(bytes), "", "", kind});
  }
}

}  // namespace

std::string_view picture_type(std::string_view bytes) noexcept {
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("BM")) return "image/bmp";
  if (bytes.starts_with("RIFF") &&
      bytes.substr(std::min<std::size_t>(8, bytes.size()), 4) == "WEBP")
    return "image/webp";
  return "";
}

std::vector<Picture> pictures_of(TagLib::File& file) {
  std::vector<Picture> all;
  if (auto* mpeg = dynamic_cast<TagLib::MPEG::File*>(&file)) {
    add_id3(mpeg->ID3v2Tag(false), all);
    add_ape(mpeg->APETag(false), all);
  } else if (auto* wav = dynamic_cast<TagLib::RIFF::WAV::File*>(&file)) {
    add_id3(wav->ID3v2Tag(), all);
  } else if (auto* aiff = dynamic_cast<TagLib::RIFF::AIFF::File*>(&file)) {
    add_id3(aiff->tag(), all);
  } else if (auto* tta = dynamic_cast<TagLib::TrueAudio::File*>(&file)) {
    add_id3(tta->ID3v2Tag(false), all);
  } else if (auto* flac = dynamic_cast<TagLib::FLAC::File*>(&file)) {
    add_flac(flac->pictureList(), all);
    if (flac->hasXiphComment()) add_flac(flac->xiphComment()->pictureList(), all);
    if (all.empty() && flac->hasID3v2Tag()) add_id3(flac->ID3v2Tag(false), all);
  } else if (auto* mp4 = dynamic_cast<TagLib::MP4::File*>(&file)) {
    add_mp4(mp4->tag(), all);
  } else if (auto* asf = dynamic_cast<TagLib::ASF::File*>(&file)) {
    add_asf(asf->tag(), all);
  } else if (auto* ape = dynamic_cast<TagLib::APE::File*>(&file)) {
    add_ape(ape->APETag(false), all);
  } else if (auto* wavpack = dynamic_cast<TagLib::WavPack::File*>(&file)) {
    add_ape(wavpack->APETag(false), all);
  } else if (auto* musepack = dynamic_cast<TagLib::MPC::File*>(&file)) {
    add_ape(musepack->APETag(false), all);
  } else if (auto* xiph = dynamic_cast<TagLib::Ogg::XiphComment*>(file.tag())) {
    add_flac(xiph->pictureList(), all);
  }
  return all;
}

}  // namespace metalaudio::audio
