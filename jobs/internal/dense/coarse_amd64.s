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
// (bits from R8), and the sums if there are any.
#define FIND(u, low, high, next) \
	VPCMPD.BCST $5, LIMIT(u), low, K1  \
	VPCMPD.BCST $5, LIMIT(u), high, K2 \
	KUNPCKWD    K1, K2, K1             \
	KMOVD       K1, AX                 \
	ANDL        4*u(R8), AX            \
	MOVL        AX, MASK(u)            \
	JZ          next                   \
	ORL         $(1<<u), SI            \
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
	FIND(0, Z0, Z1, user1)

user1:
	FIND(1, Z2, Z3, user2)

user2:
	FIND(2, Z4, Z5, user3)

user3:
	FIND(3, Z6, Z7, user4)

user4:
	FIND(4, Z8, Z9, user5)

user5:
	FIND(5, Z10, Z11, user6)

user6:
	FIND(6, Z12, Z13, user7)

user7:
	FIND(7, Z14, Z15, user8)

user8:
	FIND(8, Z16, Z17, user9)

user9:
	FIND(9, Z18, Z19, user10)

user10:
	FIND(10, Z20, Z21, user11)

user11:
	FIND(11, Z22, Z23, end)

end:
	MOVL SI, found+80(FP)
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
