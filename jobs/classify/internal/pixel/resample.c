// The resampler of resample.go, laid out so that compilers vectorise it. Plain C:
// where GCC and glibc can choose by processor at load time, they are asked to.
#include "resample.h"

#define BLOCK 16
#define BITS 14
#define HALF (1 << (BITS - 1))
#define CHUNK 512

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define BY_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=haswell", "default")))
#else
#define BY_PROCESSOR
#endif

// vertical sums n rows of src by weight into one row of `width` bytes.
BY_PROCESSOR
static void vertical(const uint8_t *src, ptrdiff_t stride, const int16_t *weight, ptrdiff_t n, ptrdiff_t width,
                     uint8_t *row) {
  int32_t sum[CHUNK];
  for (ptrdiff_t from = 0; from < width; from += CHUNK) {
    ptrdiff_t m = width - from < CHUNK ? width - from : CHUNK;
    for (ptrdiff_t i = 0; i < m; i++) sum[i] = HALF;
    for (ptrdiff_t j = 0; j < n; j++) {
      int32_t w = weight[j];
      if (w == 0) continue;
      const uint8_t *p = src + j * stride + from;
      for (ptrdiff_t i = 0; i < m; i++) sum[i] += w * p[i];
    }
    for (ptrdiff_t i = 0; i < m; i++) row[from + i] = (uint8_t)(sum[i] >> BITS);
  }
}

// horizontal filters BLOCK rows at once, column by column of their transpose; a
// pixel is `depth` columns.
BY_PROCESSOR
static void horizontal(const uint8_t *column, ptrdiff_t depth, const int32_t *start, const int16_t *weight, ptrdiff_t n,
                       ptrdiff_t out, uint8_t *turned) {
  for (ptrdiff_t i = 0; i < out; i++) {
    const int16_t *w = weight + i * n;
    for (ptrdiff_t c = 0; c < depth; c++) {
      int32_t sum[BLOCK];
      const uint8_t *p = column + ((start[i] - start[0]) * depth + c) * BLOCK;
      for (int r = 0; r < BLOCK; r++) sum[r] = HALF;
      for (ptrdiff_t j = 0; j < n; j++) {
        int32_t wj = w[j];
        for (int r = 0; r < BLOCK; r++) sum[r] += wj * p[j * depth * BLOCK + r];
      }
      for (int r = 0; r < BLOCK; r++) *turned++ = (uint8_t)(sum[r] >> BITS);
    }
  }
}

BY_PROCESSOR
static void transpose(const uint8_t *src, ptrdiff_t width, ptrdiff_t rows, uint8_t *dst) {
  for (ptrdiff_t x = 0; x < width; x++)
    for (ptrdiff_t r = 0; r < BLOCK; r++) dst[x * BLOCK + r] = r < rows ? src[r * width + x] : 0;
}

// width and out are in pixels; scratch holds BLOCK * depth * (2 * width + out) bytes.
void shardmill_resample_block(const uint8_t *src, ptrdiff_t stride, ptrdiff_t depth, ptrdiff_t width,
                              const int32_t *xstart, const int16_t *xweight, ptrdiff_t xn, ptrdiff_t out,
                              const int32_t *ystart, const int16_t *yweight, ptrdiff_t yn, ptrdiff_t rows,
                              uint8_t *scratch, uint8_t *dst) {
  ptrdiff_t bytes = width * depth, made = out * depth;
  uint8_t *row = scratch, *column = row + BLOCK * bytes, *turned = column + BLOCK * bytes;
  for (ptrdiff_t r = 0; r < rows; r++)
    vertical(src + (ptrdiff_t)(ystart[r] - ystart[0]) * stride, stride, yweight + r * yn, yn, bytes, row + r * bytes);
  transpose(row, bytes, rows, column);
  horizontal(column, depth, xstart, xweight, xn, out, turned);
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t i = 0; i < made; i++) dst[r * made + i] = turned[i * BLOCK + r];
}
