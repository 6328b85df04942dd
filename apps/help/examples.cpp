#include "apps/help/examples.h"

#include <initializer_list>
#include <string>

namespace metalaudio::apps {
namespace {

struct Example {
  const char* command;
  std::initializer_list<const char*> lines;
};

const Example kExamples[] = {
    {"separate",
     {"metalaudio separate song.mp3 -o stems",
      "metalaudio separate album/ --stems vocals,drums --flac",
      "metalaudio separate album/ --stem-m4a --normalize -14",
      "metalaudio separate - --stems vocals --opus -o - < song.mp3 > vocals.opus",
      "metalaudio separate song.m4a --two-stems vocals --exact-sum --keep-rate",
      "metalaudio separate --list tracks.txt --shard 0/8 --skip-existing --manifest done.jsonl"}},
    {"evaluate", {"metalaudio evaluate references/ separated/htdemucs --json figures.json"}},
    {"models", {"metalaudio models list", "metalaudio models get htdemucs"}},
    {"amp",
     {"metalaudio amp preamp guitar.wav --ir cabinet.wav --normalize -o loud.flac",
      "metalaudio amp plexi.nam guitar.wav --oversample 4 -o loud.wav"}},
    {"convolve", {"metalaudio convolve dry.wav cathedral.wav -o wet.flac"}},
    {"filter", {"metalaudio filter song.mp3 --high-pass 80:4 --peak 3000:-4 -o clearer.mp3"}},
    {"run",
     {"metalaudio run model.onnx song.wav -o processed.wav",
      "metalaudio run model.onnx --tensor x=x.npy --bind rate=16000 -o results"}},
    {"spectrogram", {"metalaudio spectrogram song.m4a stems/*.wav -o song.png"}},
    {"bench", {"metalaudio bench htdemucs --profile"}},
};

}  // namespace

void add_examples(CLI::App& app) {
  for (const Example& example : kExamples) {
    std::string text;
    for (const char* line : example.lines)
      text += (text.empty() ? "  " : "\n  ") + std::string(line);
    app.get_subcommand(example.command)->footer(text);
  }
}

}  // namespace metalaudio::apps
