//go:build cgo && !nojpegturbo

// Calls of libjpeg-turbo that bring their error text along: it lies in memory of
// the thread, and a goroutine may be on another thread when it asks for it later.
#include "turbo.h"

#include <string.h>

static int outcome(tjhandle h, int rc, char *complaint) {
  if (rc == 0) return SHARDMILL_OK;
  int code = tjGetErrorCode(h);
  strncpy(complaint, tjGetErrorStr2(h), SHARDMILL_COMPLAINT - 1);
  complaint[SHARDMILL_COMPLAINT - 1] = 0;
  return code == TJERR_WARNING ? SHARDMILL_WARNING : SHARDMILL_ERROR;
}

int shardmill_jpeg_header(tjhandle h, const unsigned char *data, unsigned long size, int *width, int *height,
                          int *subsampling, int *space, char *complaint) {
  return outcome(h, tjDecompressHeader3(h, data, size, width, height, subsampling, space), complaint);
}

// A progressive image with more scans than libjpeg-turbo's limit is an error.
int shardmill_jpeg_pixels(tjhandle h, const unsigned char *data, unsigned long size, unsigned char *dst, int width,
                          int stride, int height, int format, char *complaint) {
  return outcome(h, tjDecompress2(h, data, size, dst, width, stride, height, format, TJFLAG_LIMITSCANS), complaint);
}
