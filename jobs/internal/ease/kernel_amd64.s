#include "textflag.h"

// ADD512 adds the row of entry q to sums.
#define ADD512(q, low, high) \
	MOVL   4*q(SI), R8              \
	SHLQ   $7, R8                   \
	VADDPS (BX)(R8*1), low, low     \
	VADDPS 64(BX)(R8*1), high, high

// FMA512 adds the row of entry q, times its value (from DX), to sums.
#define FMA512(q, low, high) \
	MOVL         4*q(SI), R8             \
	SHLQ         $7, R8                  \
	VBROADCASTSS 4*q(DX), Z8             \
	VFMADD231PS  (BX)(R8*1), Z8, low     \
	VFMADD231PS  64(BX)(R8*1), Z8, high

// func scoreAVX512(l *lanes, panel []float32, index []uint32, values []float32) (mask uint32)
TEXT ·scoreAVX512(SB), NOSPLIT, $0-84
	MOVQ   l+0(FP), DI
	MOVQ   panel_base+8(FP), BX
	MOVQ   index_base+32(FP), SI
	MOVQ   index_len+40(FP), CX
	MOVQ   values_base+56(FP), DX
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
	VPXORQ Z6, Z6, Z6
	VPXORQ Z7, Z7, Z7
	TESTQ  DX, DX
	JNZ    valued
	SUBQ   $4, CX
	JLT    rest

ones:
	ADD512(0, Z0, Z1)
	ADD512(1, Z2, Z3)
	ADD512(2, Z4, Z5)
	ADD512(3, Z6, Z7)
	ADDQ $16, SI
	SUBQ $4, CX
	JGE  ones

rest:
	ADDQ $4, CX
	JZ   end
	ADD512(0, Z0, Z1)
	DECQ CX
	JZ   end
	ADD512(1, Z2, Z3)
	DECQ CX
	JZ   end
	ADD512(2, Z4, Z5)
	JMP  end

valued:
	SUBQ $4, CX
	JLT  valuedRest

values:
	FMA512(0, Z0, Z1)
	FMA512(1, Z2, Z3)
	FMA512(2, Z4, Z5)
	FMA512(3, Z6, Z7)
	ADDQ $16, SI
	ADDQ $16, DX
	SUBQ $4, CX
	JGE  values

valuedRest:
	ADDQ $4, CX
	JZ   end
	FMA512(0, Z0, Z1)
	DECQ CX
	JZ   end
	FMA512(1, Z2, Z3)
	DECQ CX
	JZ   end
	FMA512(2, Z4, Z5)

end:
	VADDPS   Z2, Z0, Z0
	VADDPS   Z3, Z1, Z1
	VADDPS   Z6, Z4, Z4
	VADDPS   Z7, Z5, Z5
	VADDPS   Z4, Z0, Z0
	VADDPS   Z5, Z1, Z1
	VMULPS   (DI), Z0, Z0
	VMULPS   64(DI), Z1, Z1
	VCMPPS   $13, 128(DI), Z0, K1
	VCMPPS   $13, 192(DI), Z1, K2
	VMOVUPS  Z0, 256(DI)
	VMOVUPS  Z1, 320(DI)
	KUNPCKWD K1, K2, K1
	KMOVD    K1, AX
	MOVL     AX, mask+80(FP)
	VZEROUPPER
	RET

#define ADD256(q, low, high) \
	MOVL   4*q(SI), R8              \
	SHLQ   $7, R8                   \
	VADDPS (BX)(R8*1), low, low     \
	VADDPS 32(BX)(R8*1), high, high

#define FMA256(q, low, high) \
	MOVL         4*q(SI), R8             \
	SHLQ         $7, R8                  \
	VBROADCASTSS 4*q(DX), Y8             \
	VFMADD231PS  (BX)(R8*1), Y8, low     \
	VFMADD231PS  32(BX)(R8*1), Y8, high

// func scoreAVX2(l *lanes, panel []float32, index []uint32, values []float32) (mask uint32)
TEXT ·scoreAVX2(SB), NOSPLIT, $0-84
	MOVQ l+0(FP), DI
	MOVQ panel_base+8(FP), BX
	MOVQ $2, R10
	XORL R11, R11

half:
	MOVQ   index_base+32(FP), SI
	MOVQ   index_len+40(FP), CX
	MOVQ   values_base+56(FP), DX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	TESTQ  DX, DX
	JNZ    valued
	SUBQ   $4, CX
	JLT    rest

ones:
	ADD256(0, Y0, Y1)
	ADD256(1, Y2, Y3)
	ADD256(2, Y4, Y5)
	ADD256(3, Y6, Y7)
	ADDQ $16, SI
	SUBQ $4, CX
	JGE  ones

rest:
	ADDQ $4, CX
	JZ   end
	ADD256(0, Y0, Y1)
	DECQ CX
	JZ   end
	ADD256(1, Y2, Y3)
	DECQ CX
	JZ   end
	ADD256(2, Y4, Y5)
	JMP  end

valued:
	SUBQ $4, CX
	JLT  valuedRest

values:
	FMA256(0, Y0, Y1)
	FMA256(1, Y2, Y3)
	FMA256(2, Y4, Y5)
	FMA256(3, Y6, Y7)
	ADDQ $16, SI
	ADDQ $16, DX
	SUBQ $4, CX
	JGE  values

valuedRest:
	ADDQ $4, CX
	JZ   end
	FMA256(0, Y0, Y1)
	DECQ CX
	JZ   end
	FMA256(1, Y2, Y3)
	DECQ CX
	JZ   end
	FMA256(2, Y4, Y5)

end:
	VADDPS    Y2, Y0, Y0
	VADDPS    Y3, Y1, Y1
	VADDPS    Y6, Y4, Y4
	VADDPS    Y7, Y5, Y5
	VADDPS    Y4, Y0, Y0
	VADDPS    Y5, Y1, Y1
	VMULPS    (DI), Y0, Y0
	VMULPS    32(DI), Y1, Y1
	VMOVUPS   Y0, 256(DI)
	VMOVUPS   Y1, 288(DI)
	VCMPPS    $13, 128(DI), Y0, Y0
	VCMPPS    $13, 160(DI), Y1, Y1
	VMOVMSKPS Y0, AX
	VMOVMSKPS Y1, R8
	SHLL      $8, R8
	ORL       R8, AX
	SHLL      $16, R11                // the first half goes up
	ORL       AX, R11
	ADDQ      $64, DI
	ADDQ      $64, BX
	DECQ      R10
	JNZ       half
	ROLL      $16, R11                // and comes down again
	MOVL      R11, mask+80(FP)
	VZEROUPPER
	RET
