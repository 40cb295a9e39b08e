// A small random model, opened through the C API, with a session and a cancel; what is left of them is freed.
#pragma once

#include <hearth/hearth.h>

#include <string>

#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace hearth::test {

struct OpenModel {
  OpenModel() {
    RandomModel m;
    m.n_ctx = 100000;
    path_ = write_random_model(m, folder_ / "m.gguf");
    hearth_model_options options;
    REQUIRE(hearth_model_options_init(&options, sizeof options) == HEARTH_OK);
    options.threads = 2;
    REQUIRE(hearth_model_open(path(), &options, &model, nullptr) == HEARTH_OK);
    hearth_session_options session_options;
    REQUIRE(hearth_session_options_init(&session_options, sizeof session_options) == HEARTH_OK);
    session_options.n_ctx = 256;  // a text without an end has one here
    REQUIRE(hearth_session_new(model, &session_options, &session, nullptr) == HEARTH_OK);
    REQUIRE(hearth_cancel_new(&cancel, nullptr) == HEARTH_OK);
  }
  ~OpenModel() {
    static_cast<void>(hearth_cancel_free(cancel));
    static_cast<void>(hearth_session_free(session));
    static_cast<void>(hearth_model_free(model));
  }
  OpenModel(const OpenModel&) = delete;
  OpenModel& operator=(const OpenModel&) = delete;
  const char* path() const { return path_.c_str(); }

  hearth_model* model = nullptr;
  hearth_session* session = nullptr;
  hearth_cancel* cancel = nullptr;

 private:
  TempFolder folder_;
  std::string path_;
};

}  // namespace hearth::test
