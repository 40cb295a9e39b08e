// Leaves: sizes and offsets of everything in hearth.h that programs are compiled with; to be compared with what they were.
#include <hearth/hearth.h>
#include <stdio.h>

#define STRUCT(name) printf(#name " %zu\n", sizeof(name))
#define FIELD(name, field) printf("  %s %zu %zu\n", #field, offsetof(name, field), sizeof(((name*)0)->field))
#define VALUE(name) printf(#name " = %d\n", (int)name)

static void structs(void) {
  STRUCT(hearth_error);
  FIELD(hearth_error, status);
  FIELD(hearth_error, message);
  STRUCT(hearth_model_options);
  FIELD(hearth_model_options, size);
  FIELD(hearth_model_options, threads);
  FIELD(hearth_model_options, weights);
  FIELD(hearth_model_options, map);
  FIELD(hearth_model_options, reserved);
  FIELD(hearth_model_options, isa);
  FIELD(hearth_model_options, pre);
  FIELD(hearth_model_options, cancel);
  FIELD(hearth_model_options, on_progress);
  FIELD(hearth_model_options, user);
  STRUCT(hearth_model_info);
  FIELD(hearth_model_info, size);
  FIELD(hearth_model_info, n_layer);
  FIELD(hearth_model_info, n_head);
  FIELD(hearth_model_info, n_kv_head);
  FIELD(hearth_model_info, head_dim);
  FIELD(hearth_model_info, dim);
  FIELD(hearth_model_info, ffn_dim);
  FIELD(hearth_model_info, n_vocab);
  FIELD(hearth_model_info, n_ctx_train);
  FIELD(hearth_model_info, weights_bytes);
  FIELD(hearth_model_info, n_parameters);
  FIELD(hearth_model_info, threads);
  FIELD(hearth_model_info, weights);
  STRUCT(hearth_session_options);
  FIELD(hearth_session_options, size);
  FIELD(hearth_session_options, n_ctx);
  FIELD(hearth_session_options, kv);
  FIELD(hearth_session_options, chunk);
  STRUCT(hearth_session_info);
  FIELD(hearth_session_info, size);
  FIELD(hearth_session_info, n_ctx);
  FIELD(hearth_session_info, n_past);
}

static void plan_struct(void) {
  STRUCT(hearth_plan);
  FIELD(hearth_plan, size);
  FIELD(hearth_plan, n_ctx);
  FIELD(hearth_plan, n_ctx_train);
  FIELD(hearth_plan, chunk);
  FIELD(hearth_plan, batch);
  FIELD(hearth_plan, threads);
  FIELD(hearth_plan, weights);
  FIELD(hearth_plan, kv);
  FIELD(hearth_plan, fits);
  FIELD(hearth_plan, weights_bytes);
  FIELD(hearth_plan, kv_bytes);
  FIELD(hearth_plan, scratch_bytes);
  FIELD(hearth_plan, total_bytes);
  FIELD(hearth_plan, allocated_bytes);
  FIELD(hearth_plan, available_bytes);
  FIELD(hearth_plan, read_gbps);
  FIELD(hearth_plan, decode_tps);
  FIELD(hearth_plan, prefill_tps);
}

static void call_structs(void) {
  STRUCT(hearth_sampling_options);
  FIELD(hearth_sampling_options, size);
  FIELD(hearth_sampling_options, temp);
  FIELD(hearth_sampling_options, top_p);
  FIELD(hearth_sampling_options, min_p);
  FIELD(hearth_sampling_options, repeat_penalty);
  FIELD(hearth_sampling_options, top_k);
  FIELD(hearth_sampling_options, repeat_last);
  FIELD(hearth_sampling_options, seed);
  STRUCT(hearth_text);
  FIELD(hearth_text, data);
  FIELD(hearth_text, n_bytes);
  STRUCT(hearth_generate_options);
  FIELD(hearth_generate_options, size);
  FIELD(hearth_generate_options, max_tokens);
  FIELD(hearth_generate_options, echo);
  FIELD(hearth_generate_options, special);
  FIELD(hearth_generate_options, sampling);
  FIELD(hearth_generate_options, stop);
  FIELD(hearth_generate_options, n_stop);
  FIELD(hearth_generate_options, cancel);
  FIELD(hearth_generate_options, on_progress);
  FIELD(hearth_generate_options, on_tokens);
  STRUCT(hearth_reply);
  FIELD(hearth_reply, size);
  FIELD(hearth_reply, finish);
  FIELD(hearth_reply, n_dropped_messages);
  FIELD(hearth_reply, n_prompt);
  FIELD(hearth_reply, n_reused);
  FIELD(hearth_reply, n_generated);
  FIELD(hearth_reply, prefill_seconds);
  FIELD(hearth_reply, decode_seconds);
  FIELD(hearth_reply, logits_hash);
  STRUCT(hearth_tool_call);
  FIELD(hearth_tool_call, id);
  FIELD(hearth_tool_call, name);
  FIELD(hearth_tool_call, arguments);
  STRUCT(hearth_message);
  FIELD(hearth_message, size);
  FIELD(hearth_message, role);
  FIELD(hearth_message, content);
  FIELD(hearth_message, n_content);
  FIELD(hearth_message, reasoning);
  FIELD(hearth_message, tool_call_id);
  FIELD(hearth_message, name);
  FIELD(hearth_message, tool_calls);
  FIELD(hearth_message, n_tool_calls);
  STRUCT(hearth_chat_options);
  FIELD(hearth_chat_options, size);
  FIELD(hearth_chat_options, overflow);
  FIELD(hearth_chat_options, reserved);
  FIELD(hearth_chat_options, generate);
  FIELD(hearth_chat_options, tools);
  FIELD(hearth_chat_options, variables);
  FIELD(hearth_chat_options, chat_template);
  FIELD(hearth_chat_options, now);
  FIELD(hearth_chat_options, on_part);
}

static void values(void) {
  VALUE(HEARTH_OK);
  VALUE(HEARTH_INVALID_ARGUMENT);
  VALUE(HEARTH_NOT_FOUND);
  VALUE(HEARTH_IO);
  VALUE(HEARTH_MALFORMED);
  VALUE(HEARTH_UNSUPPORTED);
  VALUE(HEARTH_OUT_OF_MEMORY);
  VALUE(HEARTH_CONTEXT_FULL);
  VALUE(HEARTH_NON_FINITE);
  VALUE(HEARTH_CANCELLED);
  VALUE(HEARTH_INTERNAL);
  VALUE(HEARTH_BUSY);
  VALUE(HEARTH_WEIGHTS_AUTOMATIC);
  VALUE(HEARTH_WEIGHTS_FILE);
  VALUE(HEARTH_WEIGHTS_REPACKED);
  VALUE(HEARTH_MODEL_NAME);
  VALUE(HEARTH_MODEL_ARCHITECTURE);
  VALUE(HEARTH_MODEL_PATH);
  VALUE(HEARTH_MODEL_ISA);
  VALUE(HEARTH_KV_F16);
  VALUE(HEARTH_KV_F32);
  VALUE(HEARTH_KV_Q8_0);
  VALUE(HEARTH_FINISH_END_OF_TEXT);
  VALUE(HEARTH_FINISH_STOP_STRING);
  VALUE(HEARTH_FINISH_MAX_TOKENS);
  VALUE(HEARTH_FINISH_CONTEXT_FULL);
  VALUE(HEARTH_FINISH_CANCELLED);
  VALUE(HEARTH_OVERFLOW_ERROR);
  VALUE(HEARTH_OVERFLOW_DROP_OLDEST_TURNS);
  VALUE(HEARTH_PART_RAW);
  VALUE(HEARTH_PART_CONTENT);
  VALUE(HEARTH_PART_REASONING);
  VALUE(HEARTH_PART_TOOL_CALL);
  VALUE(HEARTH_PART_PARSE_ERROR);
}

int main(void) {
  structs();
  plan_struct();
  call_structs();
  values();
  return 0;
}
