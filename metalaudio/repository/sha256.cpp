#include <metalaudio/core/error.h>
#include <metalaudio/repository/sha256.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <span>
#include <vector>

namespace metalaudio::repository {

std::string sha256_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fail(std::filesystem::exists(path) ? ErrorCode::io : ErrorCode::not_found,
         "[sha256_of_file] {}: cannot be opened", path.string());
  }
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::vector<char> block(1U << 20U);
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) fail(ErrorCode::io, "[sha256_of_file] {}: reading failed", path.string());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &bytes);
  std::string hex;
  for (const unsigned char byte : std::span(digest).first(bytes)) {
    hex += fmt::format("{:02x}", byte);
  }
  return hex;
}

}  // namespace metalaudio::repository
