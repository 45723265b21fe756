/* How many nodes fit a need, in C, blocked like the core's: rooms structure-of-arrays, whole vectors. */
#include "vectors.h"

/* Bytes of room that stay in the first-level cache while all needs pass over them. */
#define BLOCK_BYTES 24576

static inline void count_block(const float *room, size_t stride, int vectors, const float *needs,
                               int needCount, int *out, const int columns) {
  for (int n = 0; n < needCount; n++, needs += columns) {
    vi sum = {0};
    for (int i = 0; i < vectors; i++) {
      vi ok = (vi)(V_ALL(needs[0]) <= V_LOAD(room + i * LANES));
      for (int c = 1; c < columns; c++)
        ok &= (vi)(V_ALL(needs[c]) <= V_LOAD(room + c * stride + i * LANES));
      sum -= ok;
    }
    for (int lane = 0; lane < LANES; lane++) out[n] += sum[lane];
  }
}

/* fitCount(room, needs, out, stride in floats, vectors, columns, needs); padding nodes never fit. */
static napi_value fit_count(napi_env env, napi_info info) {
  void *at[3];
  int n[4];
  arguments(env, info, 3, at, 4, n);
  const float *room = at[0], *needs = at[1];
  int *out = at[2];
  const int stride = n[0], vectors = n[1], columns = n[2], needCount = n[3];
  const int block = BLOCK_BYTES / (columns * (int)sizeof(vf));
  memset(out, 0, needCount * sizeof(int));
  for (int first = 0; first < vectors; first += block) {
    const int count = vectors - first < block ? vectors - first : block;
    const float *from = room + first * LANES;
    if (columns == 4) count_block(from, stride, count, needs, needCount, out, 4);
    else if (columns == 12) count_block(from, stride, count, needs, needCount, out, 12);
    else count_block(from, stride, count, needs, needCount, out, columns);
  }
  return 0;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  export_call(env, exports, "fitCount", fit_count);
  export_lanes(env, exports);
  return exports;
}
