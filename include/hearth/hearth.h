// Hearth's C API, for C99, C++ and every language that can call C. The C++ API is hearth.hpp.
//
// Handles are numbers dressed as pointers: NULL, a freed one, one of another kind or any made-up bits is
// HEARTH_INVALID_ARGUMENT, never a crash. Freeing NULL is nothing. The order of freeing is free: a session keeps its model, and
// what is freed during a call (from a callback, from another thread) ends with that call.
//
// Errors: a function returns a hearth_status. Its last argument may be NULL, else it is written in any case: the status, and
// "WHAT; WHERE; WHAT TO DO" in one line, empty on success. An output is written on success alone, unless its line says more.
//
// Structures that may grow begin with their own size. Options: call the _init function, then set what is to differ; NULL means
// all defaults. A smaller size is an older program: the rest has its defaults. A larger one is a newer program: what this
// library does not know must be zero. Outputs: set `size`; the part known here is written, the rest zeroed. Only a
// hearth_reply may be NULL: not wanted.
//
// Texts are UTF-8. One given as a pointer and a count needs no NUL and may hold some; NULL with 0 is the empty one. Texts come out
// through callbacks, for the duration of the call of the callback. A callback goes on with 0 and stops with anything else; it
// may use the library, but the session that calls it is busy. A C++ exception that leaves a callback ends there: HEARTH_CANCELLED.
// One list has at most 100,000 texts, 1,000,000 tokens or messages, and a message 10,000 calls.
//
// Everything may be called from any thread. A session does one call at a time: a second one gets HEARTH_BUSY and changes nothing.
// Many requests at once are an engine's. A child made by fork may use the models and sessions that it inherits, if the CPU
// computes all of them and at the fork no other thread was in a call and no engine at work.
#ifndef HEARTH_H
#define HEARTH_H

#include <stddef.h>
#include <stdint.h>

#ifndef HEARTH_API
#if defined(__GNUC__)
#define HEARTH_API __attribute__((visibility("default")))
#else
#define HEARTH_API
#endif
#endif

#ifdef __cplusplus
#define HEARTH_INT32 : int32_t  // what constants are of, where the language lets them say so
extern "C" {
#else
#define HEARTH_INT32
#endif

typedef struct hearth_model hearth_model;      // a model file ready to run; shared by sessions and threads
typedef struct hearth_session hearth_session;  // one sequence of tokens and its memory
typedef struct hearth_engine hearth_engine;    // requests of many threads, computed together
typedef struct hearth_cancel hearth_cancel;    // a request to stop, from any thread or a signal handler

// ---- status and errors ---------------------------------------------------------------------------------------------------
typedef int32_t hearth_status;
enum HEARTH_INT32 {
  HEARTH_OK = 0,
  HEARTH_INVALID_ARGUMENT = 1,  // a value outside its documented range, or no such handle
  HEARTH_NOT_FOUND = 2,         // a file, tensor, key or name does not exist
  HEARTH_IO = 3,                // the operating system refused to open, read, map or write
  HEARTH_MALFORMED = 4,         // the file breaks its format
  HEARTH_UNSUPPORTED = 5,       // a sound file or a newer program asks for something this build does not do
  HEARTH_OUT_OF_MEMORY = 6,     // an allocation failed, or the plan does not fit
  HEARTH_CONTEXT_FULL = 7,      // the text does not fit the context
  HEARTH_NON_FINITE = 8,        // an activation or logit became infinite or NaN
  HEARTH_CANCELLED = 9,  // a cancel or on_progress stopped a call that has no reply to say so, or a callback threw
  HEARTH_INTERNAL = 10,  // a defect in Hearth itself
  HEARTH_BUSY = 11       // the session is in another call, or the engine's queue is full
};

typedef struct hearth_error {  // never grows, needs no initialization
  hearth_status status;
  char message[1020];  // ends in NUL; a longer one is cut at a character and ends in "..."
} hearth_error;

// What a status means, in a few words; a text for any number. Lives for ever.
HEARTH_API const char* hearth_status_message(hearth_status status);

// "0.1.0". Lives for ever.
HEARTH_API const char* hearth_version(void);

// Instruction sets that run here, slowest first; NULL past the last. Lives for ever.
HEARTH_API const char* hearth_isa_name(size_t index);

typedef struct hearth_text {
  const char* data;
  size_t n_bytes;
} hearth_text;

// ---- callbacks -----------------------------------------------------------------------------------------------------------
// A piece: whole UTF-8 characters. Bytes that are no character, as where max_tokens cuts one, come as they are, in a chat
// as U+FFFD.
typedef int (*hearth_text_fn)(void* user, const char* text, size_t n_bytes);
typedef int (*hearth_tokens_fn)(void* user, const int32_t* ids, size_t n_ids);
typedef int (*hearth_logits_fn)(void* user, const float* logits, size_t n_vocab);  // of one position
typedef int (*hearth_embedding_fn)(void* user, const float* values, size_t n_values);
typedef int (*hearth_progress_fn)(void* user, double done);  // 0 to 1

// ---- cancelling ----------------------------------------------------------------------------------------------------------
HEARTH_API hearth_status hearth_cancel_new(hearth_cancel** cancel, hearth_error* error);

// Async-signal-safe. Calls that were given `cancel` stop at their next step, and later ones at their first, until it is reset.
HEARTH_API hearth_status hearth_cancel_request(hearth_cancel* cancel);
HEARTH_API hearth_status hearth_cancel_reset(hearth_cancel* cancel);
HEARTH_API hearth_status hearth_cancel_free(hearth_cancel* cancel);

typedef struct hearth_call_options {  // who watches a call that has no other options
  size_t size;
  hearth_cancel* cancel;
  hearth_progress_fn on_progress;
  void* user;
} hearth_call_options;

HEARTH_API hearth_status hearth_call_options_init(hearth_call_options* options, size_t size);

// ---- models --------------------------------------------------------------------------------------------------------------
enum HEARTH_INT32 { HEARTH_WEIGHTS_AUTOMATIC = 0, HEARTH_WEIGHTS_FILE = 1, HEARTH_WEIGHTS_REPACKED = 2 };

typedef struct hearth_model_options {
  size_t size;
  int32_t threads;   // 0: what affinity and cgroups grant; else 1 to 1024
  int32_t weights;   // HEARTH_WEIGHTS_...
  int32_t map;       // 1: map the file; 0: read it into memory, immune to others changing it
  int32_t reserved;  // 0
  const char* isa;   // a name that hearth_isa_name gives; NULL: the fastest
  const char* pre;   // a pre-tokenizer's name in place of the file's; NULL: the file's
  hearth_cancel* cancel;
  hearth_progress_fn on_progress;
  void* user;
  uint64_t
      kv_budget;  // bytes of keys and values of all sessions, with beginnings kept for others; 0: what memory grants
  const char* device;      // who computes: "cpu", "cuda", "cuda:N" or "cuda:N,N...", never another; NULL: the CPU
  const char* gpu_layers;  // layers that the devices have: "all", "auto", "N" or "N,N..." of each; NULL: all
  int32_t cpu_moe;         // 1: routed experts are the CPU's; 0: they are with their layers
  int32_t reserved_end;    // 0
} hearth_model_options;

typedef struct hearth_model_info {
  size_t size;
  int64_t n_layer, n_head, n_kv_head, head_dim, dim, ffn_dim, n_vocab, n_ctx_train;
  uint64_t weights_bytes, n_parameters;
  int32_t threads;
  int32_t weights;               // HEARTH_WEIGHTS_FILE or _REPACKED
  int32_t encoder;               // 1: it embeds texts and writes none: no sessions
  int32_t reserved;              // 0
  uint64_t kv_budget, kv_taken;  // bytes: at most, and now by sessions and kept beginnings
  int64_t kv_pages_known;        // pages of 64 positions that another session can begin with
} hearth_model_info;

enum HEARTH_INT32 { HEARTH_MODEL_NAME = 0, HEARTH_MODEL_ARCHITECTURE = 1, HEARTH_MODEL_PATH = 2, HEARTH_MODEL_ISA = 3 };

// Fills in the defaults of a structure of that size, `size` included.
HEARTH_API hearth_status hearth_model_options_init(hearth_model_options* options, size_t size);

// Opens a .gguf (the first shard of a split one). *model is NULL when that fails.
HEARTH_API hearth_status hearth_model_open(const char* path, const hearth_model_options* options, hearth_model** model,
                                           hearth_error* error);
HEARTH_API hearth_status hearth_model_free(hearth_model* model);
HEARTH_API hearth_status hearth_model_describe(hearth_model* model, hearth_model_info* info, hearth_error* error);
HEARTH_API hearth_status hearth_model_text(hearth_model* model, int32_t which, hearth_text_fn on_text, void* user,
                                           hearth_error* error);

// Token ids of a text. special = 1: BOS and EOS as the model says; parse = 1: the spelling of a special token is that token.
// *n_ids: how many there are. Written are at most `capacity` of them; fewer than there are is HEARTH_OK, as with snprintf.
HEARTH_API hearth_status hearth_model_tokenize(hearth_model* model, const char* text, size_t n_bytes, int32_t special,
                                               int32_t parse, int32_t* ids, size_t capacity, size_t* n_ids,
                                               hearth_error* error);

// The text of token ids, by the same rule; no NUL is added.
HEARTH_API hearth_status hearth_model_detokenize(hearth_model* model, const int32_t* ids, size_t n_ids, char* text,
                                                 size_t capacity, size_t* n_bytes, hearth_error* error);

// ---- embeddings ----------------------------------------------------------------------------------------------------------
enum HEARTH_INT32 { HEARTH_KV_F16 = 0, HEARTH_KV_F32 = 1, HEARTH_KV_Q8_0 = 2 };

enum HEARTH_INT32 {
  HEARTH_POOLING_MODEL = 0,  // as the model's file says
  HEARTH_POOLING_NONE = 1,   // a vector of each token, one after another
  HEARTH_POOLING_MEAN = 2,
  HEARTH_POOLING_CLS = 3,  // the first token's
  HEARTH_POOLING_LAST = 4
};

typedef struct hearth_embed_options {
  size_t size;
  int32_t pooling;    // HEARTH_POOLING_...
  int32_t normalise;  // 1: each vector is divided by its length
  int64_t n_ctx;      // tokens that a text may have; 0: as many as the model was trained for
  int32_t kv;         // HEARTH_KV_...
  int32_t chunk;      // tokens a pass, 1 to 4096
  hearth_cancel* cancel;
  hearth_progress_fn on_progress;  // of the tokens
} hearth_embed_options;

HEARTH_API hearth_status hearth_embed_options_init(hearth_embed_options* options, size_t size);

// Hands out each text's vector, in order; an on_embedding that stops is HEARTH_OK. All are checked before the first is computed;
// special tokens are added as the model says. A text with more tokens than n_ctx: HEARTH_CONTEXT_FULL, nothing is ever cut.
HEARTH_API hearth_status hearth_model_embed(hearth_model* model, const hearth_text* texts, size_t n_texts,
                                            const hearth_embed_options* options, hearth_embedding_fn on_embedding,
                                            void* user, hearth_error* error);

// ---- sessions ------------------------------------------------------------------------------------------------------------

typedef struct hearth_session_options {
  size_t size;
  int64_t n_ctx;  // positions; 0: the smaller of the model's and what memory fits
  int32_t kv;     // HEARTH_KV_...
  int32_t chunk;  // prompt tokens a pass, 1 to 4096
  int32_t reuse;  // 1: pages are shared with the model's other sessions whose text begins alike; the bits are the same
  int32_t reserved;     // 0
  hearth_model* draft;  // guesses tokens ahead: smaller, the same vocabulary but for padding; NULL: none
} hearth_session_options;

typedef struct hearth_session_info {
  size_t size;
  int64_t n_ctx, n_past;  // positions in all; taken so far
} hearth_session_info;

HEARTH_API hearth_status hearth_session_options_init(hearth_session_options* options, size_t size);

// *session is NULL when that fails.
HEARTH_API hearth_status hearth_session_new(hearth_model* model, const hearth_session_options* options,
                                            hearth_session** session, hearth_error* error);
HEARTH_API hearth_status hearth_session_free(hearth_session* session);
HEARTH_API hearth_status hearth_session_describe(hearth_session* session, hearth_session_info* info,
                                                 hearth_error* error);

// Forgets all positions and the conversation.
HEARTH_API hearth_status hearth_session_reset(hearth_session* session, hearth_error* error);

// Another session that goes on from here, and shares all that both have. *fork is NULL when that fails.
HEARTH_API hearth_status hearth_session_fork(hearth_session* session, hearth_session** fork, hearth_error* error);

// Forgets positions from n on, 0 to n_past. The conversation is kept: its next turn brings them back.
HEARTH_API hearth_status hearth_session_truncate(hearth_session* session, int64_t n, hearth_error* error);

// Writes text, conversation, keys and values to a file, whole or not at all.
HEARTH_API hearth_status hearth_session_save(hearth_session* session, const char* path, hearth_error* error);
// The same, watched: HEARTH_CANCELLED leaves what was there.
HEARTH_API hearth_status hearth_session_save_with(hearth_session* session, const char* path,
                                                  const hearth_call_options* options, hearth_error* error);

// A session that hearth_session_save wrote, on any machine: it goes on with the same bits. A file that is cut short, altered or
// another model's is refused. *session is NULL when that fails.
HEARTH_API hearth_status hearth_session_restore(hearth_model* model, const char* path, hearth_session** session,
                                                hearth_error* error);
// The same, watched.
HEARTH_API hearth_status hearth_session_restore_with(hearth_model* model, const char* path,
                                                     const hearth_call_options* options, hearth_session** session,
                                                     hearth_error* error);

// Appends ids and hands out each position's logits, in order; a callback that stops is HEARTH_OK.
HEARTH_API hearth_status hearth_session_evaluate(hearth_session* session, const int32_t* ids, size_t n_ids,
                                                 hearth_logits_fn on_logits, void* user, hearth_error* error);

// ---- plans ---------------------------------------------------------------------------------------------------------------
typedef struct hearth_plan {
  size_t size;
  int64_t n_ctx, n_ctx_train, chunk, batch;
  int32_t threads;
  int32_t weights;  // HEARTH_WEIGHTS_FILE or _REPACKED
  int32_t kv;       // HEARTH_KV_...
  int32_t fits;     // 1: total_bytes <= available_bytes, the same on each device of its part, and kv_bytes <= kv_budget
  uint64_t weights_bytes, kv_bytes, scratch_bytes, total_bytes;
  uint64_t allocated_bytes;  // of the total; the rest are pages of the mapped file
  uint64_t available_bytes;
  double read_gbps, decode_tps, prefill_tps;  // 0: not forecast
  uint64_t device_bytes;                      // of the total, what lies in devices' own memory
  uint64_t device_available_bytes;
} hearth_plan;

// What a model will take and how it will be done, from the file's header alone; it is what then happens. forecast = 1 measures
// this machine for a second. The cancel and the callback of the model's options are not used.
HEARTH_API hearth_status hearth_plan_make(const char* path, const hearth_model_options* model,
                                          const hearth_session_options* session, int64_t batch, int32_t forecast,
                                          hearth_plan* plan, hearth_error* error);

// ---- generating ----------------------------------------------------------------------------------------------------------
typedef struct hearth_logit_bias {
  int32_t id;
  float bias;  // added to the token's logit; -infinity forbids it
} hearth_logit_bias;

// How a token is chosen: SamplingOptions of hearth.hpp says in which order, and what each step does.
typedef struct hearth_sampling_options {
  size_t size;
  float temp;                           // 0: greedy
  float top_p;                          // 1: off
  float min_p;                          // 0: off
  float repeat_penalty;                 // 1: off
  int32_t top_k;                        // 0: off
  int32_t repeat_last;                  // tokens the three penalties look back on; -1: all
  uint64_t seed;                        // the same seed gives the same tokens on every machine
  float dynatemp_range;                 // temp goes so far down and up with the entropy; 0: off
  float dynatemp_exponent;              // of that entropy, as a part of the highest possible
  float typical_p;                      // 1: off
  float top_n_sigma;                    // 0: off
  float xtc_probability;                // 0: off
  float xtc_threshold;                  // above 0.5 no two tokens reach it
  float presence_penalty;               // 0: off
  float frequency_penalty;              // 0: off
  float dry_multiplier;                 // 0: off
  float dry_base;                       // the penalty is dry_multiplier * dry_base^(length repeated - dry_allowed)
  int32_t dry_allowed;                  // the shortest repetition that has a penalty, 1 or more
  int32_t dry_last;                     // tokens looked back on; -1: all
  int32_t mirostat;                     // 0: off; 1 and 2: its versions
  float mirostat_tau;                   // the surprise aimed at, in bits a token
  float mirostat_eta;                   // how fast it gets there
  uint32_t choice;                      // which of several texts for one prompt: the same seed draws others
  const hearth_logit_bias* logit_bias;  // [n_logit_bias]
  size_t n_logit_bias;
  const int32_t* banned;  // [n_banned]: tokens that never come
  size_t n_banned;
  const hearth_text* dry_breakers;  // [n_dry_breakers]: no repetition goes across one of these; NULL: \n : " *
  size_t n_dry_breakers;
} hearth_sampling_options;

// A natural logarithm of the model's own probability: no setting has changed it.
typedef struct hearth_logprob {
  int32_t id;
  float logprob;
} hearth_logprob;
typedef int (*hearth_logprobs_fn)(void* user, const hearth_logprob* found,
                                  size_t n);  // the token's own, then the likeliest

typedef struct hearth_generate_options {
  size_t size;
  int64_t max_tokens;                       // -1: to the end of the text or of the context
  int32_t echo;                             // 1: the prompt's text comes first
  int32_t special;                          // 1: control tokens are spelled out
  const hearth_sampling_options* sampling;  // NULL: greedy
  const hearth_text* stop;                  // [n_stop]; the text ends before the first of these
  size_t n_stop;
  hearth_cancel* cancel;
  hearth_progress_fn on_progress;       // of reading the prompt in
  hearth_tokens_fn on_tokens;           // the generated ones, at the end, once
  const char* grammar;                  // GBNF, with a rule named root. Of these three one at most; NULL: any text
  const char* json_schema;              // JSON Schema, draft 2020-12; an unsupported keyword is an error
  const char* regex;                    // the whole text matches it
  const hearth_text* grammar_triggers;  // [n_grammar_triggers]; the text is free until one of these is complete
  size_t n_grammar_triggers;
  int32_t n_draft;                 // tokens guessed ahead and checked in one pass, 0 to 15; no token ever differs
  int32_t logprobs;                // of each token generated and of so many likeliest; -1: none
  hearth_logprobs_fn on_logprobs;  // after on_tokens, once a token
} hearth_generate_options;

enum HEARTH_INT32 {
  HEARTH_FINISH_END_OF_TEXT = 0,
  HEARTH_FINISH_STOP_STRING = 1,
  HEARTH_FINISH_MAX_TOKENS = 2,
  HEARTH_FINISH_CONTEXT_FULL = 3,
  HEARTH_FINISH_CANCELLED = 4
};

typedef struct hearth_reply {
  size_t size;
  int32_t finish;              // HEARTH_FINISH_...
  int32_t n_dropped_messages;  // chat: left out under HEARTH_OVERFLOW_DROP_OLDEST_TURNS
  int64_t n_prompt;            // prompt tokens, BOS included
  int64_t n_reused;            // of them computed before, by this or another session
  int64_t n_generated;
  double prefill_seconds, decode_seconds;
  uint64_t logits_hash;           // of the last logits' bits: equal on every machine
  int64_t n_drafted, n_accepted;  // tokens guessed ahead, and those that came true
} hearth_reply;

HEARTH_API hearth_status hearth_sampling_options_init(hearth_sampling_options* options, size_t size);
HEARTH_API hearth_status hearth_generate_options_init(hearth_generate_options* options, size_t size);

// Puts in what the model's authors recommend (general.sampling.* of its file), where they do; the rest stays as it is.
HEARTH_API hearth_status hearth_model_recommend(hearth_model* model, hearth_sampling_options* sampling,
                                                hearth_error* error);

// Goes on with the session's text after `prompt`. `user` is handed to every callback. A call that a callback or a cancel stops is
// HEARTH_OK, with HEARTH_FINISH_CANCELLED in its reply.
HEARTH_API hearth_status hearth_session_generate(hearth_session* session, const char* prompt, size_t n_bytes,
                                                 const hearth_generate_options* options, hearth_text_fn on_text,
                                                 void* user, hearth_reply* reply, hearth_error* error);
HEARTH_API hearth_status hearth_session_generate_from(hearth_session* session, const int32_t* ids, size_t n_ids,
                                                      const hearth_generate_options* options, hearth_text_fn on_text,
                                                      void* user, hearth_reply* reply, hearth_error* error);

// ---- chatting ------------------------------------------------------------------------------------------------------------
typedef struct hearth_tool_call {
  const char *id, *name, *arguments;  // arguments: a JSON object's text
} hearth_tool_call;

typedef struct hearth_message {
  size_t size;       // of an array's first: of all of them
  const char* role;  // system, user, assistant, tool, or what else the template knows
  const char* content;
  size_t n_content;
  const char* reasoning;               // these may be NULL
  const char* tool_call_id;            // of a tool's answer
  const char* name;                    // of a tool's answer
  const hearth_tool_call* tool_calls;  // [n_tool_calls]
  size_t n_tool_calls;
  const hearth_text* parts;  // [n_parts]: texts in place of content, for templates that take lists
  size_t n_parts;
} hearth_message;

enum HEARTH_INT32 { HEARTH_OVERFLOW_ERROR = 0, HEARTH_OVERFLOW_DROP_OLDEST_TURNS = 1 };

enum HEARTH_INT32 {
  HEARTH_PART_RAW = 0,         // the whole answer, control tokens spelled out
  HEARTH_PART_CONTENT = 1,     // what on_text got, but for reasoning that nothing opened: it is known by its end alone
  HEARTH_PART_REASONING = 2,   // if there was any
  HEARTH_PART_TOOL_CALL = 3,   // once a call: {"id":…,"name":…,"arguments":…}, all strings
  HEARTH_PART_PARSE_ERROR = 4  // what of the answer is not understood
};
typedef int (*hearth_part_fn)(void* user, int32_t part, const char* text, size_t n_bytes);

typedef struct hearth_chat_options {
  size_t size;
  int32_t overflow;                         // HEARTH_OVERFLOW_...: what a conversation longer than the context gets
  int32_t reserved;                         // 0
  const hearth_generate_options* generate;  // NULL, or its sampling NULL: temp 0.8, min_p 0.05
  const char* tools;                        // a JSON array; NULL: none
  const char* variables;                    // a JSON object of more variables for the template; NULL: none
  const char* chat_template;                // Jinja; NULL: the model's own
  const char* now;                          // what strftime_now sees, "2026-11-22T09:30:00"; NULL: the local time
  hearth_part_fn on_part;                   // the parts of the answer, at the end; NULL: not wanted
} hearth_chat_options;

HEARTH_API hearth_status hearth_chat_options_init(hearth_chat_options* options, size_t size);
HEARTH_API hearth_status hearth_message_init(hearth_message* message, size_t size);

// The next turn of the session's conversation, through the model's chat template. `on_text` gets the content alone.
HEARTH_API hearth_status hearth_session_chat(hearth_session* session, const char* text, size_t n_bytes,
                                             const hearth_chat_options* options, hearth_text_fn on_text, void* user,
                                             hearth_reply* reply, hearth_error* error);

// A whole conversation, which becomes the session's. Positions that begin with the same tokens are not computed again.
HEARTH_API hearth_status hearth_session_chat_messages(hearth_session* session, const hearth_message* messages,
                                                      size_t n_messages, const hearth_chat_options* options,
                                                      hearth_text_fn on_text, void* user, hearth_reply* reply,
                                                      hearth_error* error);

// ---- engines -------------------------------------------------------------------------------------------------------------
typedef struct hearth_engine_options {
  size_t size;
  int64_t n_parallel;  // requests computed together, 1 to 256
  int64_t n_queue;     // requests that may wait beside them; one more is HEARTH_BUSY
} hearth_engine_options;

HEARTH_API hearth_status hearth_engine_options_init(hearth_engine_options* options, size_t size);

// `session`: of each request; n_ctx 0: what memory fits n_parallel times; chunk: of all prompts together. *engine is NULL when that
// fails.
HEARTH_API hearth_status hearth_engine_new(hearth_model* model, const hearth_engine_options* options,
                                           const hearth_session_options* session, hearth_engine** engine,
                                           hearth_error* error);
HEARTH_API hearth_status hearth_engine_free(hearth_engine* engine);

// As hearth_session_generate_from on a new session, and with its bits: what threads ask for at the same time is computed together,
// and each call returns when its own reply is there. `on_text` and `on_progress` come from the engine's thread: all requests wait
// meanwhile. A callback that asks its own engine gets HEARTH_BUSY; engines whose callbacks ask each other in a circle wait for ever.
HEARTH_API hearth_status hearth_engine_generate_from(hearth_engine* engine, const int32_t* ids, size_t n_ids,
                                                     const hearth_generate_options* options, hearth_text_fn on_text,
                                                     void* user, hearth_reply* reply, hearth_error* error);

#ifdef __cplusplus
}
#endif

#endif
