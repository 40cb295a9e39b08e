#include <hearth/hearth.h>
#include <stdio.h>
#include <string.h>

static int print(void* user, const char* text, size_t n_bytes) {
  (void)user;
  return fwrite(text, 1, n_bytes, stdout) != n_bytes || fflush(stdout) != 0;
}

int main(int argc, char** argv) {
  const char* const prompt = "Once upon a time";
  hearth_model* model = NULL;
  hearth_session* session = NULL;
  hearth_error error;
  int failed = hearth_model_open(argc > 1 ? argv[1] : "models/hearth-stories.gguf", NULL, &model, &error) ||
               hearth_session_new(model, NULL, &session, &error) ||
               hearth_session_generate(session, prompt, strlen(prompt), NULL, print, NULL, NULL, &error);
  if (failed) fprintf(stderr, "%s\n", error.message);
  else putchar('\n');
  hearth_session_free(session);
  hearth_model_free(model);
  return failed;
}
