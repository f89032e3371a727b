// The adapter of yaml-cpp: its events become a tree.
#include "deployers/document/yaml.h"

#include <algorithm>
#include <istream>
#include <map>
#include <set>
#include <stdexcept>
#include <streambuf>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace mlship {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string place(const YAML::Mark& mark) {
  return "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1);
}

struct Refused : std::runtime_error {
  Refused(const YAML::Mark& mark, const std::string& why) : std::runtime_error(place(mark) + ": " + why) {}
};

class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // read only, but streambuf has no const pointers
    setg(begin, begin, begin + text.size());
  }
};

// yaml-cpp 0.7 takes `- &anchor |` and `- !tag >` for errors, and the same with the indicator on a line of
// its own for what it is. So it is given that, and its offsets are brought back.
class Apart {
 public:
  explicit Apart(std::string_view text) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
      line(text.substr(begin, end - begin));
      begin = end;
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool differs() const { return !added_.empty(); }
  [[nodiscard]] const std::vector<Span>& added() const { return added_; }

 private:
  void line(std::string_view line) {
    size_t at = skip(line, 0, " ");
    const size_t dash = at;
    while (line.substr(at, 2) == "- ") at = skip(line, at + 1, " \t");
    const size_t property = at;
    while (at < line.size() && (line[at] == '&' || line[at] == '!')) {
      at = skip(line, std::min(line.find_first_of(" \t\r\n", at), line.size()), " \t");
    }
    const bool block = at < line.size() && (line[at] == '|' || line[at] == '>');
    text_ += line.substr(0, block ? at : line.size());
    if (!block) return;
    if (dash < property && property < at) {
      added_.push_back({text_.size(), text_.size() + property + 1});
      text_ += "\n" + std::string(property, ' ');
    }
    text_ += line.substr(at);
  }
  static size_t skip(std::string_view line, size_t at, std::string_view what) {
    return std::min(line.find_first_not_of(what, at), line.size());
  }

  std::string text_;
  std::vector<Span> added_;
};

class Builder : public YAML::EventHandler {
 public:
  // `added`: what the parser's text has more than `text`.
  Builder(std::string_view text, const std::vector<Span>& added)
      : text_(text), shift_(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0), added_(added) {}

  std::vector<YamlNode> documents;

  void OnDocumentStart(const YAML::Mark&) override {
    open_.clear();
    sizes_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    close(mark, scalar(mark, anchor, ""), 1, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    close(mark, scalar(mark, anchor, value), 1, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto size = sizes_.find(anchor);
    if (size == sizes_.end()) throw Refused(mark, "an alias stands within what it means");
    YamlNode node = start(mark, YamlNode::Kind::alias, 0);
    node.span.end = text_.find_first_of(" \t\r\n,]}", node.span.begin);
    node.span.end = std::min(node.span.end, text_.size());
    close(mark, std::move(node), size->second, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::sequence, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, YamlNode::Kind::mapping, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    YamlNode node;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    size_t size = 1;  // with every alias below it followed
    std::set<std::string> keys;
  };

  [[nodiscard]] YamlNode start(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (++count_ > most_yaml_values) throw Refused(mark, "it holds too many values");
    YamlNode node;
    node.kind = kind;
    node.anchored = anchor != 0;
    size_t at = static_cast<size_t>(std::max(mark.pos, 0)) + shift_, more = 0;
    for (const Span& span : added_) more += span.end <= at ? span.size() : 0;
    at = std::min(at - more, text_.size());
    node.span = {at, at};
    return node;
  }

  [[nodiscard]] YamlNode scalar(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& value) {
    YamlNode node = start(mark, YamlNode::Kind::scalar, anchor);
    node.value = value;
    if (value.empty()) return node;
    if (const auto source = scalar_source(text_, after_properties(text_, node.span.begin), value)) {
      node.content = source->content;
      node.span.end = std::max(node.span.end, source->content.end);
      node.literal = text_.substr(node.content.begin, node.content.size()) == value;
    }
    return node;
  }

  void open(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (open_.size() >= static_cast<size_t>(deepest_yaml)) throw Refused(mark, "it is nested too deep");
    open_.push_back({start(mark, kind, anchor), mark, anchor, 1, {}});
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    for (const auto& child : done.node.children) {
      done.node.span.end = std::max(done.node.span.end, child.span.end);
    }
    close(done.mark, std::move(done.node), done.size, done.anchor);
  }

  // A node is complete: it goes into the one around it.
  void close(const YAML::Mark& mark, YamlNode node, size_t size, YAML::anchor_t anchor) {
    if (anchor != 0) sizes_[anchor] = size;
    if (open_.empty()) return documents.push_back(std::move(node));
    Open& parent = open_.back();
    const bool key = parent.node.kind == YamlNode::Kind::mapping && parent.node.children.size() % 2 == 0;
    if (key && node.kind == YamlNode::Kind::scalar && !parent.keys.insert(node.value).second) {
      throw Refused(mark, "the key '" + node.value + "' stands twice");
    }
    parent.size += size;
    if (parent.size > most_yaml_copies) throw Refused(mark, "its aliases multiply without end");
    parent.node.children.push_back(std::move(node));
  }

  std::string_view text_;
  size_t shift_;  // the parser's offsets begin behind the byte order mark
  const std::vector<Span>& added_;
  size_t count_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, size_t> sizes_;  // of complete anchors
};

// YAML 1.2 §5.1: characters a stream never has; the parser takes one of them for the end.
std::string unprintable(std::string_view text) {
  const auto bad = std::find_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
  });
  if (bad != text.end()) {
    const auto at = position(text, static_cast<size_t>(bad - text.begin()));
    return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) +
           ": a control character";
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return "line 1, column 1: it is no UTF-8";
  return "";
}

YamlStream parse(std::string_view text, std::string_view original, const std::vector<Span>& added) {
  YamlStream out;
  Builder builder(original, added);
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    out.documents = std::move(builder.documents);
  } catch (const YAML::Exception& e) {
    out.problem = place(e.mark) + ": " + e.msg;
  } catch (const Refused& e) {
    out.problem = e.what();
  }
  return out;
}

}  // namespace

YamlStream read_yaml(std::string_view text) {
  YamlStream out;
  out.problem = unprintable(text);
  if (!out.problem.empty()) return out;
  out = parse(text, text, {});
  if (out.problem.empty()) return out;
  const Apart apart(text);
  if (!apart.differs()) return out;
  YamlStream again = parse(apart.text(), text, apart.added());
  return again.problem.empty() ? std::move(again) : std::move(out);
}

}  // namespace mlship
