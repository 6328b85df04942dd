#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace metalaudio::nn {

/// One Python value of a pickle. Values refer to each other by their index in the Pickle, so that
/// shared and circular ones cost nothing and are freed at once.
struct PickleValue {
  using Ref = std::uint32_t;
  struct None {};
  struct Bytes {
    std::string bytes;
  };
  struct Tuple {
    std::vector<Ref> items;
  };
  struct List {
    std::vector<Ref> items;
  };
  struct Dict {
    std::vector<std::pair<Ref, Ref>> items;
  };
  struct Global {
    std::string name;  ///< "torch.HalfStorage", or any other: it is only a name
  };
  struct Call {  ///< recorded, never made
    std::string function;
    Ref arguments;  ///< a Tuple
  };
  struct Persistent {
    Ref id;
  };

  std::variant<None, bool, std::int64_t, double, std::string, Bytes, Tuple, List, Dict, Global,
               Call, Persistent>
      data;

  template <typename Kind>
  const Kind* as() const noexcept {
    return std::get_if<Kind>(&data);
  }
};

/// What a pickle describes, as data. Nothing in it is ever executed: globals are names, calls to a
/// few harmless ones are noted down, calls to any other are refused.
struct Pickle {
  std::vector<PickleValue> values;
  PickleValue::Ref root = 0;
  std::size_t bytes = 0;  ///< how many bytes of the input it took, up to its STOP

  const PickleValue& operator[](PickleValue::Ref ref) const { return values[ref]; }
  /// The value of a string key of a dictionary, the last if there are several; null if there is
  /// none, or the value is no dictionary.
  const PickleValue* find(const PickleValue& dict, std::string_view key) const;
};

/// Interprets the pickle at the start of the bytes: the binary opcodes of protocols 1 to 5 that
/// torch.save() writes.
/// Errors:   throws Error{invalid_data, unsupported} with the reason alone.
/// Threads:  any; offline.
/// Source:   Python's Lib/pickletools.py describes every opcode.
Pickle parse_pickle(std::span<const std::byte> bytes);

}  // namespace metalaudio::nn
