#include "packager/pickle_walk.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string_view>
#include <vector>

namespace mlship {
namespace {

constexpr std::uint64_t window = 64U << 10U;       // bytes read at a time
constexpr std::uint64_t longest_line = 1U << 20U;  // bytes that are held
constexpr std::uint64_t longest_name = 512;        // bytes; no module or class is called longer
constexpr std::uint64_t most_steps = 8U << 20U;  // nobody writes that many before the first call by accident

enum class Argument {
  none,
  u1,
  u2,
  u4,
  u8,
  line,
  integer,
  number,
  quoted,
  two_names,
  counted1,
  counted4,
  counted8
};
// What the machine does: takes values off its stack and puts some on it.
enum class Effect { plain, to_mark, mark, pop, global, stack_global, call, call_mark, instance, stop };

struct Opcode {
  char code;
  Argument argument;
  int takes, puts;
  Effect effect = Effect::plain;
};

// CPython Lib/pickletools.py. The rows that end in a call are those that run a program.
constexpr auto opcodes = std::to_array<Opcode>({
    {'(', Argument::none, 0, 0, Effect::mark},
    {'.', Argument::none, 1, 0, Effect::stop},
    {'0', Argument::none, 0, 0, Effect::pop},
    {'1', Argument::none, 0, 0, Effect::to_mark},
    {'2', Argument::none, 1, 2},
    {'F', Argument::number, 0, 1},
    {'I', Argument::integer, 0, 1},
    {'J', Argument::u4, 0, 1},
    {'K', Argument::u1, 0, 1},
    {'L', Argument::integer, 0, 1},
    {'M', Argument::u2, 0, 1},
    {'N', Argument::none, 0, 1},
    {'P', Argument::line, 0, 1},
    {'Q', Argument::none, 1, 1},
    {'R', Argument::none, 2, 1, Effect::call},
    {'S', Argument::quoted, 0, 1},
    {'T', Argument::counted4, 0, 1},
    {'U', Argument::counted1, 0, 1},
    {'V', Argument::line, 0, 1},
    {'X', Argument::counted4, 0, 1},
    {'B', Argument::counted4, 0, 1},
    {'C', Argument::counted1, 0, 1},
    {'G', Argument::u8, 0, 1},
    {'a', Argument::none, 2, 1},
    {'b', Argument::none, 2, 1, Effect::call},
    {'c', Argument::two_names, 0, 1, Effect::global},
    {'d', Argument::none, 0, 1, Effect::to_mark},
    {'e', Argument::none, 0, 0, Effect::to_mark},
    {'g', Argument::integer, 0, 1},
    {'h', Argument::u1, 0, 1},
    {'i', Argument::two_names, 0, 1, Effect::instance},
    {'j', Argument::u4, 0, 1},
    {'l', Argument::none, 0, 1, Effect::to_mark},
    {'o', Argument::none, 0, 1, Effect::call_mark},
    {'p', Argument::integer, 1, 1},
    {'q', Argument::u1, 1, 1},
    {'r', Argument::u4, 1, 1},
    {'s', Argument::none, 3, 1},
    {'t', Argument::none, 0, 1, Effect::to_mark},
    {'u', Argument::none, 0, 0, Effect::to_mark},
    {'}', Argument::none, 0, 1},
    {']', Argument::none, 0, 1},
    {')', Argument::none, 0, 1},
    {'\x80', Argument::u1, 0, 0},
    {'\x81', Argument::none, 2, 1, Effect::call},
    {'\x82', Argument::u1, 0, 1, Effect::global},
    {'\x83', Argument::u2, 0, 1, Effect::global},
    {'\x84', Argument::u4, 0, 1, Effect::global},
    {'\x85', Argument::none, 1, 1},
    {'\x86', Argument::none, 2, 1},
    {'\x87', Argument::none, 3, 1},
    {'\x88', Argument::none, 0, 1},
    {'\x89', Argument::none, 0, 1},
    {'\x8a', Argument::counted1, 0, 1},
    {'\x8b', Argument::counted4, 0, 1},
    {'\x8c', Argument::counted1, 0, 1},
    {'\x8d', Argument::counted8, 0, 1},
    {'\x8e', Argument::counted8, 0, 1},
    {'\x8f', Argument::none, 0, 1},
    {'\x90', Argument::none, 0, 0, Effect::to_mark},
    {'\x91', Argument::none, 0, 1, Effect::to_mark},
    {'\x92', Argument::none, 3, 1, Effect::call},
    {'\x93', Argument::none, 2, 1, Effect::stack_global},
    {'\x94', Argument::none, 1, 1},
    {'\x95', Argument::u8, 0, 0},
    {'\x96', Argument::counted8, 0, 1},
    {'\x97', Argument::none, 0, 1},
    {'\x98', Argument::none, 1, 1},
});

const Opcode* opcode_of(char code) {
  const auto* found =
      std::find_if(opcodes.begin(), opcodes.end(), [code](const Opcode& row) { return row.code == code; });
  return found == opcodes.end() ? nullptr : found;
}

bool of(std::string_view text, std::string_view alphabet) {
  return !text.empty() && text.find_first_not_of(alphabet) == std::string_view::npos;
}

// A dotted name; Python's own may have any letter.
bool name(std::string_view text) {
  return !text.empty() && (text.front() < '0' || text.front() > '9') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                  c == '.' || static_cast<unsigned char>(c) >= 0x80;
         });
}

class Walk {
 public:
  // `globals`: null to stop at the first call, else everything is read.
  Walk(const Bytes& bytes, std::uint64_t offset, std::set<std::string>* globals)
      : bytes_(bytes), at_(offset), begin_(offset), globals_(globals) {}

  [[nodiscard]] std::uint64_t at() const { return at_; }

  // True when it came to the end of one pickle.
  bool collect() {
    for (std::uint64_t step = 0; step < most_steps; ++step) {
      const auto code = take(1);
      const Opcode* row = code.empty() ? nullptr : opcode_of(code.front());
      text_.clear();
      if (row == nullptr || !argument(row->argument) || !effect(*row)) return false;
      remember(*row);
      if (stopped_) return true;
    }
    return false;
  }

  bool run() {
    for (std::uint64_t step = 0; step < most_steps; ++step) {
      const auto code = take(1);
      const Opcode* row = code.empty() ? nullptr : opcode_of(code.front());
      if (row == nullptr || !argument(row->argument)) return false;
      if (!effect(*row)) return false;
      if (runs_ || stopped_) return runs_;
    }
    return true;
  }

 private:
  // As many as there are.
  std::string take(std::uint64_t length) {
    if (at_ < begin_ || at_ + length > begin_ + held_.size()) {
      begin_ = at_;
      held_ = bytes_(at_, std::max(length, window));
    }
    std::string out = held_.substr(static_cast<size_t>(at_ - begin_), static_cast<size_t>(length));
    at_ += out.size();
    return out;
  }

  bool number(size_t width, std::uint64_t& out) {
    const std::string text = take(width);
    out = 0;
    for (size_t i = text.size(); i > 0; --i) out = out << 8U | static_cast<unsigned char>(text[i - 1]);
    return text.size() == width;
  }

  bool line(std::string& out) {
    out.clear();
    for (std::string c = take(1); !c.empty(); c = take(1)) {
      if (c == "\n") return true;
      if (out.size() < longest_line) out += c;  // of a longer one only its end matters
    }
    return false;
  }

  bool skip(size_t width) {
    std::uint64_t length = 0;
    if (!number(width, length) || length > (1ULL << 48U)) return false;
    if (globals_ != nullptr && length <= longest_name) {
      text_ = take(length);
      return text_.size() == length;
    }
    if (length > 0 && bytes_(at_ + length - 1, 1).empty()) return false;
    at_ += length;
    return true;
  }

  bool argument(Argument kind) {
    std::uint64_t& ignored = number_;
    std::string& text = text_;
    std::string module;
    switch (kind) {
      case Argument::none: return true;
      case Argument::u1: return number(1, ignored);
      case Argument::u2: return number(2, ignored);
      case Argument::u4: return number(4, ignored);
      case Argument::u8: return number(8, ignored);
      case Argument::line: return line(text);
      // As int(text, 0) and float(text) read them, white space and all.
      case Argument::integer: return line(text) && of(text, "0123456789-+_LxXoObBabcdefABCDEF \t\r\f\v");
      case Argument::number: return line(text) && of(text, "0123456789.+-eE_infatyINFATY \t\r\f\v");
      case Argument::quoted:
        return line(text) && text.size() > 1 && (text.front() == '\'' || text.front() == '"') &&
               text.back() == text.front();
      case Argument::two_names:
        if (!line(module) || !name(module) || !line(text) || !name(text)) return false;
        text = module + "." + text;
        return true;
      case Argument::counted1: return skip(1);
      case Argument::counted4: return skip(4);
      case Argument::counted8: return skip(8);
    }
    return false;
  }

  // Values above the last mark, which they are taken down to.
  bool to_mark(size_t least) {
    if (marks_.empty() || depth_ - marks_.back() < least) return false;
    depth_ = marks_.back();
    marks_.pop_back();
    return true;
  }

  bool take_values(int count) {
    const size_t there = depth_ - (marks_.empty() ? 0 : marks_.back());
    if (there < static_cast<size_t>(count)) return false;
    depth_ -= static_cast<size_t>(count);
    return true;
  }

  bool effect(const Opcode& row) {
    if (row.effect == Effect::mark) {
      marks_.push_back(depth_);
      return true;
    }
    if (row.effect == Effect::pop) {
      const bool mark = !marks_.empty() && marks_.back() == depth_;
      if (mark) marks_.pop_back();
      return mark || take_values(1);
    }
    const bool marked =
        row.effect == Effect::to_mark || row.effect == Effect::call_mark || row.effect == Effect::instance;
    if (marked ? !to_mark(row.effect == Effect::call_mark ? 1 : 0) : !take_values(row.takes)) return false;
    depth_ += static_cast<size_t>(row.puts);
    named_ = named_ || row.effect == Effect::global;
    const bool call = row.effect == Effect::call || row.effect == Effect::call_mark;
    stopped_ = row.effect == Effect::stop;
    runs_ = row.effect == Effect::instance || row.effect == Effect::stack_global ||
            ((call || stopped_) && named_);
    return true;
  }

  // The two texts that STACK_GLOBAL takes are the last two values in every pickler's output, from the memo or
  // fresh.
  void remember(const Opcode& row) {
    const bool named = row.effect == Effect::global || row.effect == Effect::instance;
    if (named && row.argument == Argument::two_names) globals_->insert(text_);
    if (row.effect == Effect::stack_global && !last_.empty() && !before_.empty())
      globals_->insert(before_ + "." + last_);
    switch (row.code) {
      case '\x94': memo_[memo_.size()] = last_; return;
      case 'p': memo_[std::strtoull(text_.c_str(), nullptr, 10)] = last_; return;
      case 'q':
      case 'r': memo_[number_] = last_; return;
      case 'g': return push(memo_[std::strtoull(text_.c_str(), nullptr, 10)]);
      case 'h':
      case 'j': return push(memo_[number_]);
      default: break;
    }
    const bool string = std::string_view("SVUTX\x8c\x8d").find(row.code) != std::string_view::npos;
    if (string || row.puts > 0) push(string ? text_ : "");
  }

  void push(std::string text) {
    before_ = std::move(last_);
    last_ = text.size() <= longest_name ? std::move(text) : "";  // the memo keeps copies
  }

  const Bytes& bytes_;
  std::uint64_t at_ = 0, begin_ = 0;
  std::set<std::string>* globals_ = nullptr;
  std::string text_, last_, before_;  // the argument at hand, the last two values when they are texts
  std::uint64_t number_ = 0;          // the argument at hand
  std::map<std::uint64_t, std::string> memo_;
  std::string held_;
  size_t depth_ = 0;
  std::vector<size_t> marks_;  // how deep the stack was
  bool named_ = false;         // a module's member was asked for
  bool runs_ = false, stopped_ = false;
};

}  // namespace

bool runs_as_pickle(const Bytes& bytes) {
  return Walk(bytes, 0, nullptr).run();
}

PickleGlobals pickle_globals(const Bytes& bytes, std::uint64_t offset) {
  PickleGlobals out;
  for (bool first = true; !bytes(offset, 1).empty(); first = false) {
    Walk walk(bytes, offset, &out.names);
    if (!walk.collect()) {
      // What follows a whole pickle may be data: old PyTorch files put tensors there. A pickle that breaks
      // off is none of that.
      out.complete = !first && bytes(offset, 1) != "\x80";
      break;
    }
    offset = walk.at();
  }
  return out;
}

}  // namespace mlship
