//go:build cgo && !nojpegturbo

package classify

// #if __has_include(<jconfig.h>)
// #include <jconfig.h>
// #endif
// #define SHARDMILL_TEXT2(x) #x
// #define SHARDMILL_TEXT(x) SHARDMILL_TEXT2(x)
// #ifdef LIBJPEG_TURBO_VERSION
// static const char *shardmill_turbo_version(void) { return " " SHARDMILL_TEXT(LIBJPEG_TURBO_VERSION); }
// #else
// static const char *shardmill_turbo_version(void) { return ""; }
// #endif
import "C"

// jpegDecoder names the decoder that this build has. turbojpeg.h does not tell its version; the
// header of libjpeg, which is of the same build, does.
func jpegDecoder() string { return "libjpeg-turbo" + C.GoString(C.shardmill_turbo_version()) }
