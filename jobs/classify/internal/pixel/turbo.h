#include <turbojpeg.h>

// What a call of libjpeg-turbo came to.
enum { SHARDMILL_OK, SHARDMILL_WARNING, SHARDMILL_ERROR };

// Bytes that the text of a complaint may take, its end included.
#define SHARDMILL_COMPLAINT 256

int shardmill_jpeg_header(tjhandle h, const unsigned char *data, unsigned long size, int *width, int *height,
                          int *subsampling, int *space, char *complaint);

int shardmill_jpeg_pixels(tjhandle h, const unsigned char *data, unsigned long size, unsigned char *dst, int width,
                          int stride, int height, int format, char *complaint);
