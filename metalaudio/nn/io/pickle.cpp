#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/pickle.h>
#include <metalaudio/nn/io/pickle_opcodes.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace metalaudio::nn {

namespace {

using Ref = PickleValue::Ref;

constexpr std::size_t kMaxValues = 1U << 20U;  // a full-size model needs about 20,000
constexpr std::size_t kMaxLine = 256;

class Interpreter {
 public:
  explicit Interpreter(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Pickle run() {
    for (auto opcode = read<std::uint8_t>(); opcode != kStop; opcode = read<std::uint8_t>()) {
      literal(opcode);
    }
    pickle_.root = pop();
    pickle_.bytes = position_;
    return std::move(pickle_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::invalid_data, "pickle, before byte {}: {}", position_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - position_) refuse("it ends too early");
    const auto* const start = reinterpret_cast<const char*>(bytes_.data()) + position_;
    position_ += count;
    return {start, static_cast<std::size_t>(count)};
  }

  template <typename Number>
  Number read() {
    Number number;
    std::memcpy(&number, take(sizeof number).data(), sizeof number);
    return number;
  }

  std::string_view read_line() {
    const auto* const start = reinterpret_cast<const char*>(bytes_.data()) + position_;
    const std::string_view rest(start, std::min(bytes_.size() - position_, kMaxLine));
    const std::size_t length = rest.find('\n');
    if (length == std::string_view::npos) refuse("a line has no end");
    position_ += length + 1;
    return rest.substr(0, length);
  }

  template <typename Kind>
  Ref make(Kind&& value) {
    if (pickle_.values.size() >= kMaxValues) refuse("more than {} values", kMaxValues);
    pickle_.values.push_back({std::forward<Kind>(value)});
    return static_cast<Ref>(pickle_.values.size() - 1);
  }

  void push_ref(Ref ref) {
    if (stack_.size() >= kMaxValues) refuse("more than {} values on the stack", kMaxValues);
    stack_.push_back(ref);
  }

  template <typename Kind>
  void push(Kind&& value) {
    push_ref(make(std::forward<Kind>(value)));
  }

  /// Checks that the stack holds so many values above the last mark.
  void need(std::size_t count) const {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor < count) refuse("its stack is empty");
  }

  Ref pop() {
    need(1);
    const Ref ref = stack_.back();
    stack_.pop_back();
    return ref;
  }

  std::vector<Ref> pop_many(std::size_t count) {
    need(count);
    std::vector<Ref> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) refuse("a mark is missing");
    std::vector<Ref> items = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  /// The value on top of the stack, which must be of this kind and stays there.
  template <typename Kind>
  Kind& top(const char* kind) {
    need(1);
    auto* const value = std::get_if<Kind>(&pickle_.values[stack_.back()].data);
    if (value == nullptr) refuse("expected a {} on the stack", kind);
    return *value;
  }

  // Each of these takes its own opcodes and hands the others on to the next.
  void literal(std::uint8_t opcode) {
    switch (opcode) {
      case kNone:
        return push(PickleValue::None{});
      case kTrue:
        return push(true);
      case kFalse:
        return push(false);
      case kInt:
        return push_text_integer();
      case kBinInt:
        return push(std::int64_t{read<std::int32_t>()});
      case kBinInt1:
        return push(std::int64_t{read<std::uint8_t>()});
      case kBinInt2:
        return push(std::int64_t{read<std::uint16_t>()});
      case kLong:
        return push_text_integer();
      case kLong1:
        return push_long(read<std::uint8_t>());
      case kLong4:
        return push_long(read<std::uint32_t>());
      case kBinFloat:
        return push_float();
      case kShortBinString:
      case kShortBinUnicode:
        return push(std::string(take(read<std::uint8_t>())));
      case kBinString:
      case kBinUnicode:
        return push(std::string(take(read<std::uint32_t>())));
      case kBinUnicode8:
        return push(std::string(take(read<std::uint64_t>())));
      case kShortBinBytes:
        return push_bytes(read<std::uint8_t>());
      case kBinBytes:
        return push_bytes(read<std::uint32_t>());
      case kBinBytes8:
        return push_bytes(read<std::uint64_t>());
      default:
        return sequence(opcode);
    }
  }

  void push_bytes(std::uint64_t count) { push(PickleValue::Bytes{std::string(take(count))}); }

  void push_float() {  // the only big-endian number of the format
    std::uint64_t bits = 0;
    for (const char byte : take(sizeof bits)) bits = bits << 8U | static_cast<std::uint8_t>(byte);
    push(std::bit_cast<double>(bits));
  }

  void push_long(std::uint32_t count) {
    if (count > sizeof(std::int64_t)) refuse("an integer of {} bytes", count);
    const std::string_view bytes = take(count);
    std::uint64_t bits = 0;
    if (count > 0 && (static_cast<std::uint8_t>(bytes.back()) & 0x80U) != 0) bits = ~bits;
    std::memcpy(&bits, bytes.data(), count);
    push(static_cast<std::int64_t>(bits));
  }

  void push_text_integer() {
    std::string_view line = read_line();
    if (line == "00" || line == "01") return push(line == "01");
    if (line.ends_with('L')) line.remove_suffix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc{} || end != line.data() + line.size()) refuse("not a 64-bit integer");
    push(value);
  }

  void sequence(std::uint8_t opcode) {
    switch (opcode) {
      case kEmptyTuple:
        return push(PickleValue::Tuple{});
      case kTuple1:
        return push(PickleValue::Tuple{pop_many(1)});
      case kTuple2:
        return push(PickleValue::Tuple{pop_many(2)});
      case kTuple3:
        return push(PickleValue::Tuple{pop_many(3)});
      case kTuple:
        return push(PickleValue::Tuple{pop_to_mark()});
      case kEmptyList:
        return push(PickleValue::List{});
      case kList:
        return push(PickleValue::List{pop_to_mark()});
      case kAppend:
        return append({pop()});
      case kAppends:
        return append(pop_to_mark());
      default:
        return mapping(opcode);
    }
  }

  void append(const std::vector<Ref>& more) {
    auto& items = top<PickleValue::List>("list").items;
    items.insert(items.end(), more.begin(), more.end());
  }

  void mapping(std::uint8_t opcode) {
    switch (opcode) {
      case kEmptyDict:
        return push(PickleValue::Dict{});
      case kDict:
        return push_dict(pop_to_mark());
      case kSetItem:
        return set_items(pop_many(2));
      case kSetItems:
        return set_items(pop_to_mark());
      default:
        return object(opcode);
    }
  }

  void push_dict(const std::vector<Ref>& items) {
    push(PickleValue::Dict{});
    set_items(items);
  }

  void set_items(const std::vector<Ref>& items) {
    if (items.size() % 2 != 0) refuse("a key without a value");
    auto& dict = top<PickleValue::Dict>("dictionary").items;
    for (std::size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  }

  void object(std::uint8_t opcode) {
    switch (opcode) {
      case kGlobal: {
        const std::string module(read_line());
        return push_global(module, read_line());
      }
      case kStackGlobal:
        return stack_global();
      case kReduce:
      case kNewObj:
        return call();
      case kBuild:
        return build();
      case kBinPersId:
        return push(PickleValue::Persistent{pop()});
      default:
        return memo_or_stack(opcode);
    }
  }

  void stack_global() {
    const std::string name = top<std::string>("string");
    pop();
    const std::string module = top<std::string>("string");
    pop();
    push_global(module, name);
  }

  void push_global(const std::string& module, std::string_view name) {
    std::string full = fmt::format("{}.{}", module, name);
    push(PickleValue::Global{std::move(full)});
  }

  void call() {
    const Ref arguments = pop();
    if (pickle_[arguments].as<PickleValue::Tuple>() == nullptr) refuse("a call without arguments");
    const std::string function = top<PickleValue::Global>("global").name;
    pop();
    if (!std::ranges::binary_search(kCallableGlobals, std::string_view(function))) {
      fail(ErrorCode::unsupported, "the pickle calls '{}', which no state file needs",
           printable(function));
    }
    if (function == "collections.OrderedDict") return push(PickleValue::Dict{});
    push(PickleValue::Call{function, arguments});
  }

  /// Attributes are of no use here: those of an ordered dictionary or of a numpy type are dropped.
  void build() {
    pop();
    need(1);
    const PickleValue& target = pickle_[stack_.back()];
    const auto* const called = target.as<PickleValue::Call>();
    if (target.as<PickleValue::Dict>() == nullptr &&
        (called == nullptr || called->function != "numpy.dtype")) {
      refuse("it sets attributes where it must not");
    }
  }

  void memo_or_stack(std::uint8_t opcode) {
    switch (opcode) {
      case kMark:
        return marks_.push_back(stack_.size());
      case kPop:
        pop();
        return;
      case kPopMark:
        pop_to_mark();
        return;
      case kDup:
        need(1);
        return push_ref(stack_.back());
      case kBinPut:
        return memoize(read<std::uint8_t>());
      case kLongBinPut:
        return memoize(read<std::uint32_t>());
      case kMemoize:
        return memoize(memo_.size());
      case kBinGet:
        return recall(read<std::uint8_t>());
      case kLongBinGet:
        return recall(read<std::uint32_t>());
      case kProto:
        return check_protocol(read<std::uint8_t>());
      case kFrame:
        take(sizeof(std::uint64_t));
        return;
      default:
        refuse("opcode 0x{:02x} is not supported", opcode);
    }
  }

  void check_protocol(std::uint8_t protocol) const {
    if (protocol > 5) refuse("protocol {} is not known", protocol);
  }

  void memoize(std::size_t index) {
    need(1);
    if (index >= kMaxValues) refuse("memo {} is too large", index);
    if (index >= memo_.size()) memo_.resize(index + 1, kNoValue);
    memo_[index] = stack_.back();
  }

  void recall(std::size_t index) {
    if (index >= memo_.size() || memo_[index] == kNoValue) refuse("memo {} is not set", index);
    push_ref(memo_[index]);
  }

  static constexpr Ref kNoValue = ~Ref{0};

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  Pickle pickle_;
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;
  std::vector<Ref> memo_;
};

}  // namespace

const PickleValue* Pickle::find(const PickleValue& dict, std::string_view key) const {
  const auto* const items = dict.as<PickleValue::Dict>();
  if (items == nullptr) return nullptr;
  const auto found = std::find_if(items->items.rbegin(), items->items.rend(), [&](auto& item) {
    const auto* const text = values[item.first].template as<std::string>();
    return text != nullptr && *text == key;
  });
  return found == items->items.rend() ? nullptr : &values[found->second];
}

Pickle parse_pickle(std::span<const std::byte> bytes) { return Interpreter(bytes).run(); }

}  // namespace metalaudio::nn
