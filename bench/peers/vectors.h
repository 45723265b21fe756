/*
 * What both programs need: vectors as wide as the flags allow (four floats with -msse4.1, eight with
 * -mavx2, sixteen with AVX-512), and the few declarations of Node-API that a call takes, written out
 * here so that Node's headers need not be installed.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
typedef __m512 vf;
#define V_MIN(a, b) _mm512_min_ps(a, b)
#define V_MAX(a, b) _mm512_max_ps(a, b)
#define V_LOAD(p) _mm512_loadu_ps(p)
#define V_STORE(p, v) _mm512_storeu_ps(p, v)
#define V_ALL(x) _mm512_set1_ps(x)
#elif defined(__AVX__)
typedef __m256 vf;
#define V_MIN(a, b) _mm256_min_ps(a, b)
#define V_MAX(a, b) _mm256_max_ps(a, b)
#define V_LOAD(p) _mm256_loadu_ps(p)
#define V_STORE(p, v) _mm256_storeu_ps(p, v)
#define V_ALL(x) _mm256_set1_ps(x)
#else
typedef __m128 vf;
#define V_MIN(a, b) _mm_min_ps(a, b)
#define V_MAX(a, b) _mm_max_ps(a, b)
#define V_LOAD(p) _mm_loadu_ps(p)
#define V_STORE(p, v) _mm_storeu_ps(p, v)
#define V_ALL(x) _mm_set1_ps(x)
#endif

#define LANES ((int)(sizeof(vf) / sizeof(float)))
typedef int32_t vi __attribute__((vector_size(sizeof(vf))));

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_info__ *napi_info;
typedef napi_value (*napi_callback)(napi_env, napi_info);
int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
int napi_create_int32(napi_env, int32_t, napi_value *);
int napi_set_named_property(napi_env, napi_value, const char *, napi_value);
int napi_get_cb_info(napi_env, napi_info, size_t *, napi_value *, napi_value *, void **);
int napi_get_typedarray_info(napi_env, napi_value, int *, size_t *, void **, napi_value *, size_t *);
int napi_get_value_int32(napi_env, napi_value, int32_t *);

/* Arguments of a call: typed arrays first, then whole numbers. */
static void arguments(napi_env env, napi_info info, int arrays, void **at, int numbers, int *n) {
  napi_value given[16];
  size_t count = 16;
  napi_get_cb_info(env, info, &count, given, 0, 0);
  for (int i = 0; i < arrays; i++) napi_get_typedarray_info(env, given[i], 0, 0, &at[i], 0, 0);
  for (int i = 0; i < numbers; i++) napi_get_value_int32(env, given[arrays + i], &n[i]);
}

static void export_call(napi_env env, napi_value to, const char *name, napi_callback call) {
  napi_value made;
  napi_create_function(env, name, strlen(name), call, 0, &made);
  napi_set_named_property(env, to, name, made);
}

static void export_lanes(napi_env env, napi_value to) {
  napi_value made;
  napi_create_int32(env, LANES, &made);
  napi_set_named_property(env, to, "lanes", made);
}
