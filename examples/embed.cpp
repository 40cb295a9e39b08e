// Enters: an embedding model and some sentences. Leaves: how close each is to the first, from -1 to 1.
#include <cstdio>
#include <hearth/hearth.hpp>

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: embed MODEL.gguf SENTENCE SENTENCE…\n");
    return 2;
  }
  auto model = hearth::Model::open(argv[1]);
  if (!model) {
    std::fprintf(stderr, "error: %s\n", model.error().message().c_str());
    return 1;
  }
  const std::vector<std::string> sentences(argv + 2, argv + argc);
  std::vector<std::vector<float>> embeddings;
  auto done = model->embed(sentences, {}, [&](std::span<const float> embedding) {
    embeddings.emplace_back(embedding.begin(), embedding.end());
    return true;
  });
  if (!done) {
    std::fprintf(stderr, "error: %s\n", done.error().message().c_str());
    return 1;
  }
  for (const auto& embedding : embeddings)
    if (embedding.size() != static_cast<std::size_t>(model->info().dim)) {
      std::fprintf(stderr,
                   "error: there is a vector for each token, none for a sentence; %s; give a model that pools\n",
                   argv[1]);
      return 1;
    }
  for (std::size_t i = 1; i < sentences.size(); ++i) {
    float similarity = 0;  // the vectors have length 1: their product is the cosine of the angle between them
    for (std::size_t d = 0; d < embeddings[i].size(); ++d) similarity += embeddings[0][d] * embeddings[i][d];
    std::printf("%6.3f  %s\n", static_cast<double>(similarity), sentences[i].c_str());
  }
}
