#include "textflag.h"

// Where found has the masks, limits and sums of user u, from DI.
#define MASK(u) 4*u(DI)
#define LIMIT(u) 64+4*u(DI)
#define SUMS(u) 128+128*u(DI)

// LINE adds to the sums of user u the products of its pair of factors (from AX) and of those of 32 items, in Z24 and Z25.
#define LINE(u, factors, low, high) \
	VPBROADCASTD 4*u(AX), factors     \
	VPDPWSSD     factors, Z24, low    \
	VPDPWSSD     factors, Z25, high

// FIND compares the sums of user u with its limit, and writes the mask of those that are not below and wanted
// (bits from R8), and the sums. It shifts a bit into SI that tells whether there are any: which users have some is not to be
// foreseen, so that a branch would cost more than the writing.
#define FIND(u, low, high) \
	VPCMPD.BCST $5, LIMIT(u), low, K1  \
	VPCMPD.BCST $5, LIMIT(u), high, K2 \
	KUNPCKWD    K1, K2, K1             \
	KMOVD       K1, AX                 \
	ANDL        4*u(R8), AX            \
	MOVL        AX, MASK(u)            \
	NEGL        AX                     \
	ADCL        SI, SI                 \
	VMOVDQU32   low, SUMS(u)           \
	VMOVDQU32   high, 64+SUMS(u)

// func coarseVNNI(users, panel []uint32, limits *limits, perUnit, slack float32, wanted *[12]uint32, out *coarseFound) (found uint32)
TEXT ·coarseVNNI(SB), NOSPLIT, $0-84
	MOVQ   users_base+0(FP), AX
	MOVQ   panel_base+24(FP), BX
	MOVQ   panel_len+32(FP), CX
	MOVQ   limits+48(FP), DX
	MOVQ   wanted+64(FP), R8
	MOVQ   out+72(FP), DI
	SHRQ   $5, CX               // pairs of factors
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
	VPXORQ Z6, Z6, Z6
	VPXORQ Z7, Z7, Z7
	VPXORQ Z8, Z8, Z8
	VPXORQ Z9, Z9, Z9
	VPXORQ Z10, Z10, Z10
	VPXORQ Z11, Z11, Z11
	VPXORQ Z12, Z12, Z12
	VPXORQ Z13, Z13, Z13
	VPXORQ Z14, Z14, Z14
	VPXORQ Z15, Z15, Z15
	VPXORQ Z16, Z16, Z16
	VPXORQ Z17, Z17, Z17
	VPXORQ Z18, Z18, Z18
	VPXORQ Z19, Z19, Z19
	VPXORQ Z20, Z20, Z20
	VPXORQ Z21, Z21, Z21
	VPXORQ Z22, Z22, Z22
	VPXORQ Z23, Z23, Z23

	// Limits in units of the sums: least * perUnit - (slack of the user + slack), at most the greatest float below 2^31.
	VMOVUPS      (DX), Z26
	VBROADCASTSS perUnit+56(FP), Z27
	VMULPS       Z27, Z26, Z26
	VBROADCASTSS slack+60(FP), Z27
	VADDPS       64(DX), Z27, Z27
	VSUBPS       Z27, Z26, Z26
	MOVL         $0x4effffff, DX
	VPBROADCASTD DX, Z27
	VMINPS       Z27, Z26, Z26
	VCVTPS2DQ    Z26, Z26
	VMOVDQU32    Z26, 64(DI)

pair:
	VMOVDQU32 (BX), Z24
	VMOVDQU32 64(BX), Z25
	LINE(0, Z26, Z0, Z1)
	LINE(1, Z27, Z2, Z3)
	LINE(2, Z28, Z4, Z5)
	LINE(3, Z29, Z6, Z7)
	LINE(4, Z30, Z8, Z9)
	LINE(5, Z31, Z10, Z11)
	LINE(6, Z26, Z12, Z13)
	LINE(7, Z27, Z14, Z15)
	LINE(8, Z28, Z16, Z17)
	LINE(9, Z29, Z18, Z19)
	LINE(10, Z30, Z20, Z21)
	LINE(11, Z31, Z22, Z23)
	ADDQ $48, AX
	ADDQ $128, BX
	DECQ CX
	JNZ  pair
	XORL SI, SI
	FIND(11, Z22, Z23)
	FIND(10, Z20, Z21)
	FIND(9, Z18, Z19)
	FIND(8, Z16, Z17)
	FIND(7, Z14, Z15)
	FIND(6, Z12, Z13)
	FIND(5, Z10, Z11)
	FIND(4, Z8, Z9)
	FIND(3, Z6, Z7)
	FIND(2, Z4, Z5)
	FIND(1, Z2, Z3)
	FIND(0, Z0, Z1)
	MOVL SI, found+80(FP)
	VZEROUPPER
	RET

// MOST raises what the sums of user u are at least, from R8.
#define MOST(u) \
	VBROADCASTSS 64+4*u(DX), Z2       \
	VADDPS       Z1, Z2, Z2           \
	MOVL         MASK(u), AX          \
	KMOVW        AX, K1               \
	SHRL         $16, AX              \
	KMOVW        AX, K2               \
	VCVTDQ2PS    SUMS(u), Z3          \
	VCVTDQ2PS    64+SUMS(u), Z4       \
	VSUBPS       Z2, Z3, Z3           \
	VSUBPS       Z2, Z4, Z4           \
	VMULPS       Z0, Z3, Z3           \
	VMULPS       Z0, Z4, Z4           \
	VMOVUPS      128*u(R8), Z5        \
	VMOVUPS      64+128*u(R8), Z6     \
	VMAXPS       Z3, Z5, K1, Z5       \
	VMAXPS       Z4, Z6, K2, Z6       \
	VMOVUPS      Z5, 128*u(R8)        \
	VMOVUPS      Z6, 64+128*u(R8)

// func mostVNNI(found *coarseFound, limits *limits, unit, slack float32, most *[12][32]float32)
TEXT ·mostVNNI(SB), NOSPLIT, $0-32
	MOVQ         found+0(FP), DI
	MOVQ         limits+8(FP), DX
	VBROADCASTSS unit+16(FP), Z0
	VBROADCASTSS slack+20(FP), Z1
	MOVQ         most+24(FP), R8
	MOST(0)
	MOST(1)
	MOST(2)
	MOST(3)
	MOST(4)
	MOST(5)
	MOST(6)
	MOST(7)
	MOST(8)
	MOST(9)
	MOST(10)
	MOST(11)
	VZEROUPPER
	RET

// GREATER counts in Z7 and Z8, for each of the scores in Z5 and Z6, those at BX that are greater, of which this is one.
#define GREATER(i) \
	VCMPPS.BCST $1, 4*i(BX), Z5, K1 \
	VCMPPS.BCST $1, 4*i(BX), Z6, K2 \
	VPADDD      Z1, Z7, K1, Z7      \
	VPADDD      Z1, Z8, K2, Z8

// func placeVNNI(most *[12][32]float32, n int, least *[16]float32)
TEXT ·placeVNNI(SB), NOSPLIT, $0-24
	MOVQ         most+0(FP), BX
	MOVQ         n+8(FP), AX
	MOVQ         least+16(FP), DI
	VPBROADCASTD AX, Z0
	MOVL         $1, AX
	VPBROADCASTD AX, Z1
	MOVL         $0x7f800000, AX
	VPBROADCASTD AX, Z2
	MOVL         $12, CX

user:
	VMOVUPS (BX), Z5
	VMOVUPS 64(BX), Z6
	VPXORQ  Z7, Z7, Z7
	VPXORQ  Z8, Z8, Z8
	GREATER(0)
	GREATER(1)
	GREATER(2)
	GREATER(3)
	GREATER(4)
	GREATER(5)
	GREATER(6)
	GREATER(7)
	GREATER(8)
	GREATER(9)
	GREATER(10)
	GREATER(11)
	GREATER(12)
	GREATER(13)
	GREATER(14)
	GREATER(15)
	GREATER(16)
	GREATER(17)
	GREATER(18)
	GREATER(19)
	GREATER(20)
	GREATER(21)
	GREATER(22)
	GREATER(23)
	GREATER(24)
	GREATER(25)
	GREATER(26)
	GREATER(27)
	GREATER(28)
	GREATER(29)
	GREATER(30)
	GREATER(31)

	// The least of those that fewer than n are greater than.
	VPCMPD        $1, Z0, Z7, K1
	VPCMPD        $1, Z0, Z8, K2
	VBLENDMPS     Z5, Z2, K1, Z5
	VBLENDMPS     Z6, Z2, K2, Z6
	VMINPS        Z6, Z5, Z5
	VEXTRACTF64X4 $1, Z5, Y6
	VMINPS        Y6, Y5, Y5
	VEXTRACTF128  $1, Y5, X6
	VMINPS        X6, X5, X5
	VPERMILPS     $0x4e, X5, X6
	VMINPS        X6, X5, X5
	VPERMILPS     $0xb1, X5, X6
	VMINPS        X6, X5, X5
	VMINSS        (DI), X5, X5
	VMOVSS        X5, (DI)
	ADDQ          $128, BX
	ADDQ          $4, DI
	DECL          CX
	JNZ           user
	VZEROUPPER
	RET

// func dotsFMA(user, rows []float32, at *[8]int, out *[8]float32)
TEXT ·dotsFMA(SB), NOSPLIT, $0-64
	MOVQ   user_base+0(FP), AX
	MOVQ   user_len+8(FP), CX
	MOVQ   rows_base+24(FP), BX
	MOVQ   at+48(FP), DX
	MOVQ   0(DX), SI
	MOVQ   8(DX), DI
	MOVQ   16(DX), R8
	MOVQ   24(DX), R9
	MOVQ   32(DX), R10
	MOVQ   40(DX), R11
	MOVQ   48(DX), R12
	MOVQ   56(DX), R13
	LEAQ   (BX)(SI*4), SI
	LEAQ   (BX)(DI*4), DI
	LEAQ   (BX)(R8*4), R8
	LEAQ   (BX)(R9*4), R9
	LEAQ   (BX)(R10*4), R10
	LEAQ   (BX)(R11*4), R11
	LEAQ   (BX)(R12*4), R12
	LEAQ   (BX)(R13*4), R13
	VXORPS X0, X0, X0
	VXORPS X1, X1, X1
	VXORPS X2, X2, X2
	VXORPS X3, X3, X3
	VXORPS X4, X4, X4
	VXORPS X5, X5, X5
	VXORPS X6, X6, X6
	VXORPS X7, X7, X7
	XORL   BX, BX

factor:
	VMOVSS      (AX)(BX*4), X8
	VFMADD231SS (SI)(BX*4), X8, X0
	VFMADD231SS (DI)(BX*4), X8, X1
	VFMADD231SS (R8)(BX*4), X8, X2
	VFMADD231SS (R9)(BX*4), X8, X3
	VFMADD231SS (R10)(BX*4), X8, X4
	VFMADD231SS (R11)(BX*4), X8, X5
	VFMADD231SS (R12)(BX*4), X8, X6
	VFMADD231SS (R13)(BX*4), X8, X7
	INCQ        BX
	CMPQ        BX, CX
	JLT         factor
	MOVQ        out+56(FP), DX
	VMOVSS      X0, 0(DX)
	VMOVSS      X1, 4(DX)
	VMOVSS      X2, 8(DX)
	VMOVSS      X3, 12(DX)
	VMOVSS      X4, 16(DX)
	VMOVSS      X5, 20(DX)
	VMOVSS      X6, 24(DX)
	VMOVSS      X7, 28(DX)
	RET
