#include "textflag.h"

// Where the first samples of 4 pixels lie in 12 bytes, each widened to an int32.
DATA first<>+0(SB)/8, $0x8080800380808000
DATA first<>+8(SB)/8, $0x8080800980808006
GLOBL first<>(SB), RODATA|NOPTR, $16

// The arguments are the same in all functions.
#define ARGUMENTS \
	MOVQ         dst_base+0(FP), DI      \
	MOVQ         dst_len+8(FP), CX       \
	MOVQ         samples_base+24(FP), SI \
	VBROADCASTSD scale+48(FP), Y14       \
	VBROADCASTSD offset+56(FP), Y15      \
	VMOVDQU      first<>(SB), X13

// FOUR makes x (y is the same register) the elements of pixels 4k to 4k+3, as float32.
#define FOUR(k, x, y) \
	VMOVDQU     12*k(SI), x \
	VPSHUFB     X13, x, x   \
	VCVTDQ2PD   x, y        \
	VFMADD132PD Y14, Y15, y \
	VCVTPD2PSY  y, x

// SIXTEEN makes X0 to X3 the next 16. The line 1 KiB ahead of what is written is fetched, since a slot is rarely in a cache,
// and waiting for it costs more than the arithmetic. After the end of a plane nothing comes of it.
#define SIXTEEN \
	PREFETCHT0 1024(DI) \
	FOUR(0, X0, Y0)     \
	FOUR(1, X1, Y1)     \
	FOUR(2, X2, Y2)     \
	FOUR(3, X3, Y3)     \
	ADDQ $48, SI

// func affineFloat32(dst []float32, samples []byte, scale, offset float64)
TEXT ·affineFloat32(SB), NOSPLIT, $0-64
	ARGUMENTS

next:
	SUBQ $16, CX
	JLT  end
	SIXTEEN
	VMOVUPS X0, (DI)
	VMOVUPS X1, 16(DI)
	VMOVUPS X2, 32(DI)
	VMOVUPS X3, 48(DI)
	ADDQ $64, DI
	JMP  next

end:
	VZEROUPPER
	RET

// func affineFloat16(dst []uint16, samples []byte, scale, offset float64)
TEXT ·affineFloat16(SB), NOSPLIT, $0-64
	ARGUMENTS

next:
	SUBQ $16, CX
	JLT  end
	SIXTEEN
	VCVTPS2PH $0, X0, (DI)   // to nearest, half to even
	VCVTPS2PH $0, X1, 8(DI)
	VCVTPS2PH $0, X2, 16(DI)
	VCVTPS2PH $0, X3, 24(DI)
	ADDQ $32, DI
	JMP  next

end:
	VZEROUPPER
	RET
