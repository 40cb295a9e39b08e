#include <hearth/hearth.hpp>
#include <iostream>

int main(int argc, char** argv) {
  auto model = hearth::Model::open(argc > 1 ? argv[1] : "models/hearth-stories.gguf");
  if (!model) {
    std::cerr << model.error().message() << '\n';
    return 1;
  }
  auto session = model->session();
  if (!session) {
    std::cerr << session.error().message() << '\n';
    return 1;
  }
  auto print = [](std::string_view piece) { return bool(std::cout << piece << std::flush); };
  auto reply = session->generate("Once upon a time", {}, print);
  if (!reply) {
    std::cerr << '\n' << reply.error().message() << '\n';
    return 1;
  }
  std::cout << '\n';
}
