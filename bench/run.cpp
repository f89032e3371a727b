// run FILE PROGRAM [ARGUMENT...]: runs the program, waits for it and writes {"seconds",
// "cpu" (of all processors, user and system), "peak_kib", "exit"} to FILE. Linux counts what a process was
// before exec(2) into its peak memory, so a small program has to start it; and two system calls around it are
// all the time that this one adds.
#include <chrono>
#include <cstdio>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto begun = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child < 0) return 1;
  if (child == 0) {
    ::execvp(argv[2], argv + 2);
    ::_exit(127);
  }
  int status = 0;
  struct rusage used{};
  if (::wait4(child, &status, 0, &used) != child) return 1;
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun;
  std::FILE* out = std::fopen(argv[1], "w");
  if (out == nullptr) return 1;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  std::fprintf(out, "{\"seconds\": %.6f, \"cpu\": %.6f, \"peak_kib\": %ld, \"exit\": %d}\n", spent.count(),
               seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss, code);
  return std::fclose(out) == 0 ? 0 : 1;
}
