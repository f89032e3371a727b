#include "packager/platform_table.h"

#include <array>

namespace mlship {
namespace {

// Databricks: "System environment" of each runtime's release notes (Ubuntu 22.04: glibc 2.35, 24.04: 2.39).
// AWS Lambda: "Lambda runtimes" of its developer guide (Amazon Linux 2: glibc 2.26, 2023: 2.34). Lambda moves
// to newer patch releases by itself: markers see the first of the series, which every later one includes.
constexpr auto rows = std::to_array<PlatformRow>({
    {"aws-lambda-python3.9", "3.9.0", "manylinux_2_26_x86_64",
     "AWS Lambda python3.9, x86_64, Amazon Linux 2"},
    {"aws-lambda-python3.9-arm64", "3.9.0", "manylinux_2_26_aarch64",
     "AWS Lambda python3.9, arm64, Amazon Linux 2"},
    {"aws-lambda-python3.10", "3.10.0", "manylinux_2_26_x86_64",
     "AWS Lambda python3.10, x86_64, Amazon Linux 2"},
    {"aws-lambda-python3.10-arm64", "3.10.0", "manylinux_2_26_aarch64",
     "AWS Lambda python3.10, arm64, Amazon Linux 2"},
    {"aws-lambda-python3.11", "3.11.0", "manylinux_2_26_x86_64",
     "AWS Lambda python3.11, x86_64, Amazon Linux 2"},
    {"aws-lambda-python3.11-arm64", "3.11.0", "manylinux_2_26_aarch64",
     "AWS Lambda python3.11, arm64, Amazon Linux 2"},
    {"aws-lambda-python3.12", "3.12.0", "manylinux_2_34_x86_64",
     "AWS Lambda python3.12, x86_64, Amazon Linux 2023"},
    {"aws-lambda-python3.12-arm64", "3.12.0", "manylinux_2_34_aarch64",
     "AWS Lambda python3.12, arm64, Amazon Linux 2023"},
    {"aws-lambda-python3.13", "3.13.0", "manylinux_2_34_x86_64",
     "AWS Lambda python3.13, x86_64, Amazon Linux 2023"},
    {"aws-lambda-python3.13-arm64", "3.13.0", "manylinux_2_34_aarch64",
     "AWS Lambda python3.13, arm64, Amazon Linux 2023"},
    {"databricks-13.3", "3.10.12", "manylinux_2_35_x86_64",
     "Databricks Runtime 13.3 LTS, Python 3.10, Ubuntu 22.04"},
    {"databricks-14.3", "3.10.12", "manylinux_2_35_x86_64",
     "Databricks Runtime 14.3 LTS, Python 3.10, Ubuntu 22.04"},
    {"databricks-15.4", "3.11.0", "manylinux_2_35_x86_64",
     "Databricks Runtime 15.4 LTS, Python 3.11, Ubuntu 22.04"},
    {"databricks-16.4", "3.12.3", "manylinux_2_39_x86_64",
     "Databricks Runtime 16.4 LTS, Python 3.12, Ubuntu 24.04"},
});

}  // namespace

std::span<const PlatformRow> platform_rows() {
  return rows;
}

}  // namespace mlship
