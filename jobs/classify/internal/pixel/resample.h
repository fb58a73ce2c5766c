#include <stddef.h>
#include <stdint.h>

void shardmill_resample_block(const uint8_t *src, ptrdiff_t stride, int32_t x0, ptrdiff_t width,
                              const int32_t *xstart, const int16_t *xweight, ptrdiff_t xn, ptrdiff_t out,
                              const int32_t *ystart, const int16_t *yweight, ptrdiff_t yn, ptrdiff_t rows,
                              uint8_t *scratch, uint8_t *dst);

void shardmill_ycc_to_rgb(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint8_t *rgb, ptrdiff_t n);
