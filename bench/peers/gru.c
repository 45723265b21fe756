/*
 * The core's GRU step in C: the same tiles (two vectors of instances), the same passes, the same
 * polynomials, so that a ratio says what WebAssembly costs and what wider vectors would give.
 */
#include "vectors.h"

#define TILE (2 * LANES)

static inline vf power(vf y, vf *fraction) {
  const vf magic = V_ALL(12583039.0f);
  const vf t = y + magic;
  *fraction = y - (t - magic);
  return (vf)((vi)t << 23);
}

/* (2^f - 1) / f */
static inline vf polynomial(vf f) {
  const vf low = f * V_ALL(0.24022246897220612f) + V_ALL(0.6931470036506653f);
  const vf high = f * V_ALL(0.009671294130384922f) + V_ALL(0.0555071122944355f);
  const vf square = f * f;
  return (square * V_ALL(0.0013269405998289584f) + high) * square + low;
}

static inline vf held(vf y) { return V_MAX(V_MIN(y, V_ALL(126.0f)), V_ALL(-126.0f)); }

static inline vf sigmoid(vf x) {
  vf f;
  const vf s = power(held(x * V_ALL(-1.4426950408889634f)), &f);
  return V_ALL(1.0f) / ((s * f) * polynomial(f) + (s + V_ALL(1.0f)));
}

static inline vf hyperbolic(vf x) {
  vf f;
  const vf s = power(held(x * V_ALL(-2.885390081777927f)), &f);
  const vf m = (V_ALL(1.0f) - s) - (s * f) * polynomial(f);
  return m / (V_ALL(2.0f) - m);
}

static float *pack_pass(const float *ih, const float *hh, const float *bih, const float *bhh,
                        float *out, int inputs, int states, int rows) {
  for (int row = 0; row < rows; row += 4) {
    for (int i = 0; i < 4; i++)
      *out++ = (bih ? bih[row + i] : 0) + (bhh ? bhh[row + i] : 0);
    for (int k = 0; k < inputs; k++)
      for (int i = 0; i < 4; i++) *out++ = ih[(row + i) * inputs + k];
    for (int k = 0; k < states; k++)
      for (int i = 0; i < 4; i++) *out++ = hh[(row + i) * states + k];
  }
  return out;
}

/* packGru(ih, hh, bih, bhh, packed, I, H) */
static napi_value pack_gru(napi_env env, napi_info info) {
  void *at[5];
  int n[2];
  arguments(env, info, 5, at, 2, n);
  const float *ih = at[0], *hh = at[1], *bih = at[2], *bhh = at[3];
  const int inputs = n[0], states = n[1];
  const float *hi = ih + states * inputs, *hs = hh + states * states;
  float *out = pack_pass(ih, hh, bih, bhh, at[4], inputs, states, states);
  const float *ni = hi + states * inputs, *ns = hs + states * states;
  for (int row = 0; row < states; row += 4) {
    out = pack_pass(0, ns + row * states, 0, bhh + 2 * states + row, out, 0, states, 4);
    out = pack_pass(ni + row * inputs, 0, bih + 2 * states + row, 0, out, inputs, 0, 4);
  }
  pack_pass(hi, hs, bih + states, bhh + states, out, inputs, states, states);
  return 0;
}

enum mode { STORE, GATE };

/* Four rows over two vectors of instances: eight sums. */
static inline const float *pass(const float *w, const float *a, int aRows, const float *b, int bRows,
                                float *out, int rows, enum mode mode) {
  for (int row = 0; row < rows; row += 4, out += 4 * TILE) {
    vf low[4], high[4];
    for (int i = 0; i < 4; i++) low[i] = high[i] = V_ALL(w[i]);
    w += 4;
    for (int part = 0; part < 2; part++) {
      if (part == 1 && mode == GATE) {
        for (int i = 0; i < 4; i++) {
          low[i] = low[i] * V_LOAD(out + i * TILE) + V_ALL(w[i]);
          high[i] = high[i] * V_LOAD(out + i * TILE + LANES) + V_ALL(w[i]);
        }
        w += 4;
      }
      const float *x = part ? b : a;
      const int count = part ? bRows : aRows;
      for (int k = 0; k < count; k++, x += TILE, w += 4) {
        const vf x0 = V_LOAD(x), x1 = V_LOAD(x + LANES);
        for (int i = 0; i < 4; i++) {
          const vf weight = V_ALL(w[i]);
          low[i] += weight * x0;
          high[i] += weight * x1;
        }
      }
    }
    for (int i = 0; i < 4; i++) {
      float *to = out + i * TILE;
      V_STORE(to, low[i]);
      V_STORE(to + LANES, high[i]);
    }
  }
  return w;
}

/* gruStep(packed, x, h, out, scratch, tiles, I, H): x f32[tiles][I][TILE], h and out [tiles][H][TILE] */
static napi_value gru_step(napi_env env, napi_info info) {
  void *at[5];
  int n[3];
  arguments(env, info, 5, at, 3, n);
  const float *packed = at[0], *x = at[1], *h = at[2];
  float *out = at[3], *z = at[4];
  const int inputs = n[1], states = n[2], size = n[2] * TILE;
  for (int tile = 0; tile < n[0]; tile++, x += inputs * TILE, h += size, out += size) {
    const float *w = pass(packed, x, inputs, h, states, out, states, STORE);
    for (int i = 0; i < size; i += LANES) V_STORE(out + i, sigmoid(V_LOAD(out + i)));
    w = pass(w, h, states, x, inputs, out, states, GATE);
    pass(w, x, inputs, h, states, z, states, STORE);
    for (int i = 0; i < size; i += LANES) {
      const vf fresh = hyperbolic(V_LOAD(out + i));
      V_STORE(out + i, sigmoid(V_LOAD(z + i)) * (V_LOAD(h + i) - fresh) + fresh);
    }
  }
  return 0;
}

/* packGruOne(ih, hh, bih, bhh, packed, I, H): f32[H / LANES][4 + 3I + 3H][LANES] */
static napi_value pack_gru_one(napi_env env, napi_info info) {
  void *at[5];
  int n[2];
  arguments(env, info, 5, at, 2, n);
  const float *ih = at[0], *hh = at[1], *bih = at[2], *bhh = at[3];
  float *out = at[4];
  const int inputs = n[0], states = n[1];
  for (int first = 0; first < states; first += LANES) {
    for (int kind = 0; kind < 4; kind++)
      for (int i = first; i < first + LANES; i++)
        *out++ = kind < 2    ? bih[kind * states + i] + bhh[kind * states + i]
                 : kind == 2 ? bih[2 * states + i]
                             : bhh[2 * states + i];
    for (int k = 0; k < inputs; k++)
      for (int gate = 0; gate < 3; gate++)
        for (int i = first; i < first + LANES; i++) *out++ = ih[(gate * states + i) * inputs + k];
    for (int k = 0; k < states; k++)
      for (int gate = 0; gate < 3; gate++)
        for (int i = first; i < first + LANES; i++) *out++ = hh[(gate * states + i) * states + k];
  }
  return 0;
}

/* gruStepOne(packed, x, h, out, I, H) */
static napi_value gru_step_one(napi_env env, napi_info info) {
  void *at[4];
  int n[2];
  arguments(env, info, 4, at, 2, n);
  const float *w = at[0], *x = at[1], *h = at[2];
  float *out = at[3];
  for (int first = 0; first < n[1]; first += LANES) {
    vf r = V_LOAD(w), z = V_LOAD(w + LANES), nx = V_LOAD(w + 2 * LANES), nh = V_LOAD(w + 3 * LANES);
    w += 4 * LANES;
    for (int k = 0; k < n[0]; k++, w += 3 * LANES) {
      const vf a = V_ALL(x[k]);
      r += V_LOAD(w) * a, z += V_LOAD(w + LANES) * a, nx += V_LOAD(w + 2 * LANES) * a;
    }
    for (int k = 0; k < n[1]; k++, w += 3 * LANES) {
      const vf a = V_ALL(h[k]);
      r += V_LOAD(w) * a, z += V_LOAD(w + LANES) * a, nh += V_LOAD(w + 2 * LANES) * a;
    }
    const vf fresh = hyperbolic(nx + sigmoid(r) * nh);
    V_STORE(out + first, fresh + sigmoid(z) * (V_LOAD(h + first) - fresh));
  }
  return 0;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  export_call(env, exports, "packGru", pack_gru);
  export_call(env, exports, "gruStep", gru_step);
  export_call(env, exports, "packGruOne", pack_gru_one);
  export_call(env, exports, "gruStepOne", gru_step_one);
  export_lanes(env, exports);
  return exports;
}
