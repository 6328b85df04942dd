#pragma once

#include <metalaudio/nn/layers/layer.h>

#include <cstdint>
#include <string>

namespace metalaudio::nn::layers {

/// torch.nn.Embedding, of i32 or i64 indices. One that is out of range takes the nearest row.
/// Shapes:   indices[…] -> […][embedding_dim]; weight[num_embeddings][embedding_dim].
/// Threads:  as Layer.
class Embedding final : public Layer {
 public:
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  std::int64_t num_embeddings_;
  std::int64_t embedding_dim_;
};

}  // namespace metalaudio::nn::layers
