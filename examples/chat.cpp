// Talks with a model through its own chat template: chat MODEL, then a line is a turn.
#include <hearth/hearth.hpp>
#include <iostream>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: chat MODEL\n";
    return 2;
  }
  auto model = hearth::Model::open(argv[1]);
  if (!model) {
    std::cerr << model.error().message() << '\n';
    return 1;
  }
  auto session = model->session();
  if (!session) {
    std::cerr << session.error().message() << '\n';
    return 1;
  }
  hearth::ChatOptions options;
  options.overflow = hearth::Overflow::drop_oldest_turns;  // a long evening is longer than a context
  auto print = [](std::string_view piece) { return bool(std::cout << piece << std::flush); };
  for (std::string line; std::getline(std::cin, line);) {
    auto reply = session->chat(line, options, print);
    if (!reply) {
      std::cerr << reply.error().message() << '\n';
      return 1;
    }
    std::cout << '\n';
    if (reply->n_dropped_messages > 0) std::cerr << "forgotten: " << reply->n_dropped_messages << " messages\n";
  }
}
