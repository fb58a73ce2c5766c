#include <stddef.h>
#include <stdint.h>

void shardmill_resample_block(const uint8_t *src, ptrdiff_t stride, ptrdiff_t depth, ptrdiff_t width,
                              const int32_t *xstart, const int16_t *xweight, ptrdiff_t xn, ptrdiff_t out,
                              const int32_t *ystart, const int16_t *yweight, ptrdiff_t yn, ptrdiff_t rows,
                              uint8_t *scratch, uint8_t *dst);
