#include <gtest/gtest.h>

#include "deployers/document/document.h"
#include "deployers/document/site.h"

namespace mlship {
namespace {

// "key: path = text" of every reference, "(opaque: why)" behind those that stay.
std::string references(const std::string& text) {
  const auto parsed = parse_compose(text);
  EXPECT_EQ(parsed.problem, "");
  std::string out;
  size_t before = 0;
  for (const auto& object : parsed.objects) {
    EXPECT_GE(object.extent.begin, before) << "objects overlap";
    before = object.extent.end;
    for (const auto& site : object.sites) {
      for (const auto& found : references_at(text, site, {Scheme::pep440, {"/opt/mlship"}})) {
        const Reference& r = found.reference;
        if (r.opaque.empty()) {
          EXPECT_EQ(text.substr(r.span.begin, r.span.size()), found.text);
          EXPECT_GE(r.span.begin, object.extent.begin);
          EXPECT_LE(r.span.end, object.extent.end);
        }
        out += object.key + ": " + found.path + " = " + found.text +
               (r.opaque.empty() ? "" : " (opaque: " + r.opaque + ")") + "\n";
      }
    }
  }
  return out;
}

TEST(Compose, EverySiteOfAService) {
  EXPECT_EQ(references("services:\n"
                       "  score: # churn==0.1\n"
                       "    image: host:5000/ml/churn:1.3.0\n"
                       "    command: [\"run\", '/opt/mlship/churn/1.3.0/bin/score', churn==1.3.0]\n"
                       "    entrypoint: /opt/mlship/churn/1.3.1/bin/x --pin churn==1.3.2\n"
                       "    environment:\n      - PIN=churn==1.3.3\n"
                       "    volumes:\n"
                       "      - /opt/mlship/churn/1.3.4:/app:ro\n"
                       "      - {type: bind, source: /opt/mlship/churn/1.3.5, target: /b}\n"
                       "    working_dir: \"/opt/mlship/churn/1.3.6\"\n"
                       "    env_file: /opt/mlship/churn/1.3.7/env\n"
                       "    build: {args: {WHEEL: churn-1.3.8-py3-none-any.whl}}\n"
                       "    labels: {com.acme.pin: churn==1.3.9}\n"
                       "    extra_hosts: [\"churn:1.2.3.4\"]\n"
                       "  \"a.b\":\n    environment: {PIN: churn==1.4.0}\n"
                       "configs:\n  c: {file: /opt/mlship/churn/1.4.1/c.yaml}\n"
                       "secrets:\n  s:\n    file: /opt/mlship/churn/1.4.2/s\n"),
            "services.score: services.score.image = host:5000/ml/churn:1.3.0\n"
            "services.score: services.score.command[1] = /opt/mlship/churn/1.3.0\n"
            "services.score: services.score.command[2] = churn==1.3.0\n"
            "services.score: services.score.entrypoint = /opt/mlship/churn/1.3.1\n"
            "services.score: services.score.entrypoint#2 = churn==1.3.2\n"
            "services.score: services.score.environment[0] = churn==1.3.3\n"
            "services.score: services.score.volumes[0] = /opt/mlship/churn/1.3.4\n"
            "services.score: services.score.volumes[1].source = /opt/mlship/churn/1.3.5\n"
            "services.score: services.score.working_dir = /opt/mlship/churn/1.3.6\n"
            "services.score: services.score.env_file = /opt/mlship/churn/1.3.7\n"
            "services.score: services.score.build.args.WHEEL = churn-1.3.8-py3-none-any.whl\n"
            "services.score: services.score.labels.\"com.acme.pin\" = churn==1.3.9\n"
            "services.\"a.b\": services.\"a.b\".environment.PIN = churn==1.4.0\n"
            "configs.c: configs.c.file = /opt/mlship/churn/1.4.1\n"
            "secrets.s: secrets.s.file = /opt/mlship/churn/1.4.2\n");
}

TEST(Compose, WhatIsAliasedBelongsToItsAnchorAndIdleExtensionsAreNobodys) {
  EXPECT_EQ(references("x-note: was churn==0.1\n"
                       "x-base: &base\n  environment: {PIN: churn==1.3.0}\n"
                       "x-parts:\n  note: churn==0.2\n  image: &image host/ml/churn:1.3.1\n"
                       "services:\n"
                       "  a: {<<: *base, image: *image, x-note: churn==0.3}\n"
                       "  b: &b\n    command: run churn==1.3.2\n"
                       "  c:\n    <<: [*base, *b]\n"),
            "x-base: x-base.environment.PIN = churn==1.3.0\n"
            "x-parts: x-parts.image = host/ml/churn:1.3.1\n"
            "services.b: services.b.command = churn==1.3.2\n");
}

TEST(Compose, InterpolatedVersionsAreOpaqueAndTheRestIsNot) {
  EXPECT_EQ(
      references("services:\n"
                 "  a:\n    image: host/ml/churn:${TAG}\n"
                 "  u:\n    image: host/ml/churn\n    labels: {image: host/ml/churn}\n"
                 "  v:\n    image: ${REGISTRY:-host/ml}/churn:latest\n"
                 "  b:\n    image: ${REGISTRY:-host:5000}/ml/churn:1.3.0\n"
                 "  c:\n    image: ${IMAGE:-host/ml/churn:1.3.0}\n"
                 "  d:\n    command: pip install churn==$VERSION other==${O} churn==1.3.0\n"
                 "  e:\n    command: echo $$HOME churn==1.3.0 ${unclosed\n"
                 "  f:\n    image: host/ml/${NAME}:1.3.0\n"
                 "  g:\n    volumes: [\"/opt/mlship/churn/${V:-1.3.0}:/app\"]\n"),
      "services.a: services.a.image = host/ml/churn:${TAG} (opaque: its version is interpolated: ${TAG})\n"
      "services.u: services.u.image = host/ml/churn\n"
      "services.v: services.v.image = ${REGISTRY:-host/ml}/churn:latest\n"
      "services.b: services.b.image = ${REGISTRY:-host:5000}/ml/churn:1.3.0\n"
      "services.c: services.c.image = host/ml/churn:1.3.0 (opaque: it is what "
      "${IMAGE:-host/ml/churn:1.3.0} falls back to)\n"
      "services.d: services.d.command = churn==$VERSION (opaque: its version is interpolated: $VERSION)\n"
      "services.d: services.d.command#2 = other==${O} (opaque: its version is interpolated: ${O})\n"
      "services.d: services.d.command#3 = churn==1.3.0\n"
      "services.e: services.e.command = churn==1.3.0\n"
      "services.g: services.g.volumes[0] = /opt/mlship/churn/${V:-1.3.0} (opaque: its version is "
      "interpolated: ${V:-1.3.0})\n");
}

TEST(Compose, BlockScalarsAndLongQuotedStrings) {
  EXPECT_EQ(
      references(
          "services:\n"
          "  a:\n    command: |\n      set -e\n\n        pip install churn==1.3.0\n      run\n"
          "  b:\n    command: >-\n      run\n      --pin churn==1.3.1\n\n      churn==1.3.2\n"
          "  c:\n    command: \"run \\\"x\\\" churn==1.3.3 \\\n        --more churn==1.3.4\n      end\"\n"
          "  d:\n    command: \"churn\\x3d=1.3.5\"\n"
          "  e:\n    command: 'it''s churn==1.3.6\n      churn==1.3.7'\n"
          "  f:\n    command: run\n      churn==1.3.8\n"
          "  g:\n    command: |2-\n        churn==1.3.9\n"
          "  h:\n    command: \"/opt/mlship/\\\n      churn/1.4.0/bin\"\n"),
      "services.a: services.a.command = churn==1.3.0\n"
      "services.b: services.b.command = churn==1.3.1\n"
      "services.b: services.b.command#2 = churn==1.3.2\n"
      "services.c: services.c.command = churn==1.3.3\n"
      "services.c: services.c.command#2 = churn==1.3.4\n"
      "services.d: services.d.command = churn==1.3.5 (opaque: it is written with escapes or over several "
      "lines)\n"
      "services.e: services.e.command = churn==1.3.6\n"
      "services.e: services.e.command#2 = churn==1.3.7\n"
      "services.f: services.f.command = churn==1.3.8\n"
      "services.g: services.g.command = churn==1.3.9\n"
      "services.h: services.h.command = /opt/mlship/churn/1.4.0 (opaque: it is written with escapes or "
      "over several lines)\n");
}

TEST(Compose, TagsAnchorsMarksLineEndsAndDocuments) {
  EXPECT_EQ(
      references(
          "\xef\xbb\xbf%YAML 1.2\r\n---\r\nservices:\r\n  \xc3\xa4:\r\n    image: &i !!str # \xe2\x82\xac\r\n"
          "      host/ml/churn:1.3.0\r\n    ? command\r\n    : - churn==1.3.1\r\n...\r\n---\r\n"
          "services: {a: {command: churn==1.3.2}, b: {command: [churn==1.3.3,churn==1.3.4]}}\r\n"),
      "services.\"\xc3\xa4\": services.\"\xc3\xa4\".image = host/ml/churn:1.3.0\n"
      "services.\"\xc3\xa4\": services.\"\xc3\xa4\".command[0] = churn==1.3.1\n"
      "document[2].services.a: document[2].services.a.command = churn==1.3.2\n"
      "document[2].services.b: document[2].services.b.command[0] = churn==1.3.3\n"
      "document[2].services.b: document[2].services.b.command[1] = churn==1.3.4\n");
}

TEST(Compose, ListItemsWithAnchorsAndTags) {
  EXPECT_EQ(
      references(
          "services:\n  a:\n    command:\n    - &x |-\n      churn==1.3.0\n    - !!str >\n      "
          "churn==1.3.1\n"
          "    - - &y !!str |2-  # two\n          churn==1.3.2\n      - *x\n    - &z churn==1.3.3\n"
          "    ports: !override [\"churn:1.2.3\"]\n    environment: !override\n      P: !!str churn==1.3.4\n"
          "    image: !reset null\n"),
      "services.a: services.a.command[0] = churn==1.3.0\n"
      "services.a: services.a.command[1] = churn==1.3.1\n"
      "services.a: services.a.command[2][0] = churn==1.3.2\n"
      "services.a: services.a.command[3] = churn==1.3.3\n"
      "services.a: services.a.environment.P = churn==1.3.4\n");
}

TEST(Compose, WhatIsNoComposeFileHasNoObjects) {
  for (const std::string text : {"", "# only\n", "churn==1.3.0", "- churn==1.3.0\n", "a:\n", "--- \n---\n",
                                 "services:\n", "services: churn\n", "services: [a]\n"}) {
    EXPECT_EQ(references(text), "") << text;
  }
}

TEST(Compose, OnlyWordsOfTheSpecificationHoldNoReferences) {
  EXPECT_EQ(
      references("name: shop\nversion: churn==0.1\n"
                 "services:\n"
                 "  ports:\n    command: churn==1.0\n    extra_hosts: [\"churn:1.2.3.4\"]\n"
                 "    environment: {ports: churn==1.1, expose: churn==1.2, version: churn==1.3}\n"
                 "    annotations: {extra_hosts: churn==1.4}\n"
                 "    build: {context: ., extra_hosts: [\"churn:1.2.3.4\"], args: {expose: churn==1.5}}\n"
                 "    logging: {options: {name: churn==1.6}}\n"
                 "configs: {name: {content: churn==1.7, name: churn==0.2}}\n"),
      "services.ports: services.ports.command = churn==1.0\n"
      "services.ports: services.ports.environment.ports = churn==1.1\n"
      "services.ports: services.ports.environment.expose = churn==1.2\n"
      "services.ports: services.ports.environment.version = churn==1.3\n"
      "services.ports: services.ports.annotations.extra_hosts = churn==1.4\n"
      "services.ports: services.ports.build.args.expose = churn==1.5\n"
      "services.ports: services.ports.logging.options.name = churn==1.6\n"
      "configs.name: configs.name.content = churn==1.7\n");
}

TEST(Compose, AnInterpolatedFolderOrDefaultIsOpaqueWithItsVersion) {
  const std::string text =
      "services:\n  a:\n    command: ${LIBS}/churn-1.2.0-py3-none-any.whl churn==${V:-1.2.1}\n";
  const auto parsed = parse_compose(text);
  std::string out;
  for (const auto& found : references_at(text, parsed.objects.at(0).sites.at(0), {Scheme::pep440, {}})) {
    out +=
        (found.reference.version ? found.reference.version->str() : "") + " " + found.reference.opaque + "\n";
  }
  EXPECT_EQ(out,
            "1.2.0 its folder is interpolated: ${LIBS}\n1.2.1 its version is interpolated: ${V:-1.2.1}\n");
}

TEST(Compose, EnvironmentFilesOfItsServices) {
  EXPECT_EQ(environment_files_of(
                "services:\n  a: {env_file: env.prod}\n  b: {env_file: [./x, {path: y, required: false}]}\n"
                "  c: {image: x}\nenv_file: no\n"),
            (std::vector<std::string>{"env.prod", "./x", "y"}));
  for (const std::string text : {"", "services: [a]", "a: b: c", "services: {a: [env_file]}"})
    EXPECT_TRUE(environment_files_of(text).empty()) << text;
}

TEST(EnvironmentFile, NamesAsComposeReadsThem) {
  const auto seen = [](const std::string& line) {
    const std::string text = "X=1\n" + line + "\n";
    const auto parsed = parse_environment_file(text);
    std::string out = parsed.problem;
    for (const auto& object : parsed.objects) {
      for (const auto& found : references_at(text, object.sites.at(0), {Scheme::pep440, {}}))
        out += object.key + " " + found.text;
    }
    return out;
  };
  for (const std::string line :
       {"A: churn==1.2.0", "A : 'churn==1.2.0'", "\tA\t=\tchurn==1.2.0", "A:churn==1.2.0",
        "export A=churn==1.2.0", "export\tA: \"churn==1.2.0\"", "A=churn==1.2.0 # x"}) {
    EXPECT_EQ(seen(line), "A churn==1.2.0") << line;
  }
  EXPECT_EQ(seen("A[0]=churn==1.2.0"), "A[0] churn==1.2.0");
  EXPECT_EQ(seen("a.b-c: churn==1.2.0"), "a.b-c churn==1.2.0");
  for (const std::string line : {"# A: churn==1.2.0", "A", "A B", "", "  "})
    EXPECT_EQ(seen(line), "") << line;
  for (const std::string line : {"pip install churn==1.2.0;", "[Service]x/", "- churn==1.2.0"}) {
    EXPECT_NE(seen(line).find("line 2 is no variable"), std::string::npos) << line;
  }
}

TEST(EnvironmentFile, VariablesQuotesAndComments) {
  const std::string text =
      "\xef\xbb\xbf# PIN=churn==0.1\nPIN=churn==1.3.0 # churn==0.2\r\nexport A = 'churn==1.3.1 # x'\n"
      "B=\"churn==1.3.2\nNOT=churn==1.3.3\"\nPIN=churn==1.3.4\nC=churn==${V}\nD='churn==${V}'\nnothing\nE=\n";
  std::string out;
  for (const auto& object : parse_environment_file(text).objects) {
    out += object.key + ":";
    for (const auto& found : references_at(text, object.sites.at(0), {Scheme::pep440, {}})) {
      out += " " + found.text + (found.reference.opaque.empty() ? "" : " (opaque)");
    }
    out += "\n";
  }
  EXPECT_EQ(out,
            "PIN: churn==1.3.0\nA: churn==1.3.1\nB: churn==1.3.2 churn==1.3.3\nPIN#2: churn==1.3.4\n"
            "C: churn==${V} (opaque)\nD: churn==${V} (opaque)\nE:\n");
}

}  // namespace
}  // namespace mlship
