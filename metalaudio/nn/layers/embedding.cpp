#include <metalaudio/nn/layers/embedding.h>

namespace metalaudio::nn::layers {

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim)
    : num_embeddings_(num_embeddings), embedding_dim_(embedding_dim) {
  expect_positive("num_embeddings", num_embeddings);
  expect_positive("embedding_dim", embedding_dim);
  declare("weight", {num_embeddings, embedding_dim});
}

std::string Embedding::name() const {
  return fmt::format("Embedding({}, {})", num_embeddings_, embedding_dim_);
}

Value Embedding::do_write(const Scope& scope, Value x) const {
  return scope.graph.apply(Gather{0}, {weight(scope, "weight"), x});
}

}  // namespace metalaudio::nn::layers
