#include "textflag.h"

// Where candidates has the masks and scores of user u, from DI.
#define MASK(u) 4*u(DI)
#define SCORES(u) 64+128*u(DI)

// LINE adds to the sums of user u the products of its factor (from AX) and of the factors of 32 items, in Z24 and Z25.
#define LINE(u, factor, low, high) \
	VBROADCASTSS 4*u(AX), factor      \
	VFMADD231PS  factor, Z24, low     \
	VFMADD231PS  factor, Z25, high

// FIND compares the sums of user u with its threshold (from DX), and writes the mask of those that are not below and wanted
// (bits from R8), and the sums if there are any. The predicate is greater or equal, and false for NaN.
#define FIND(u, low, high, next) \
	VCMPPS.BCST $13, 4*u(DX), low, K1  \
	VCMPPS.BCST $13, 4*u(DX), high, K2 \
	KUNPCKWD    K1, K2, K1             \
	KMOVD       K1, AX                 \
	ANDL        4*u(R8), AX            \
	MOVL        AX, MASK(u)            \
	JZ          next                   \
	ORL         $(1<<u), SI            \
	VMOVUPS     low, SCORES(u)         \
	VMOVUPS     high, 64+SCORES(u)

// func tileAVX512(users, panel []float32, thresholds *[12]float32, wanted *[12]uint32, out *candidates) (found uint32)
TEXT ·tileAVX512(SB), NOSPLIT, $0-76
	MOVQ   users_base+0(FP), AX
	MOVQ   panel_base+24(FP), BX
	MOVQ   panel_len+32(FP), CX
	MOVQ   thresholds+48(FP), DX
	MOVQ   wanted+56(FP), R8
	MOVQ   out+64(FP), DI
	SHRQ   $5, CX               // factors
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

factor:
	VMOVUPS (BX), Z24
	VMOVUPS 64(BX), Z25
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
	JNZ  factor
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
	MOVL SI, found+72(FP)
	VZEROUPPER
	RET

// LINE2 adds to the sums of user u the products of its factor (from AX) and of the factors of 16 items, in Y12 and Y13.
#define LINE2(u, factor, low, high) \
	VBROADCASTSS 4*u(AX), factor       \
	VFMADD231PS  factor, Y12, low      \
	VFMADD231PS  factor, Y13, high

// FIND2 writes the sums of user u of the part (to R8), and the bits of those that are not below its threshold (from
// DX) to 16 bits of its mask (at R9).
#define FIND2(u, low, high) \
	VMOVUPS      low, 128*u(R8)         \
	VMOVUPS      high, 32+128*u(R8)     \
	VBROADCASTSS 4*u(DX), Y12           \
	VCMPPS       $13, Y12, low, Y13     \
	VCMPPS       $13, Y12, high, Y14    \
	VMOVMSKPS    Y13, AX                \
	VMOVMSKPS    Y14, BX                \
	SHLL         $8, BX                 \
	ORL          BX, AX                 \
	MOVW         AX, 4*u(R9)

// func tileAVX2(users, panel []float32, thresholds *[12]float32, wanted *[12]uint32, out *candidates) (found uint32)
TEXT ·tileAVX2(SB), NOSPLIT, $0-76
	MOVQ users_base+0(FP), SI
	MOVQ panel_base+24(FP), R10
	MOVQ panel_len+32(FP), R11
	MOVQ thresholds+48(FP), DX
	MOVQ out+64(FP), DI
	SHRQ $5, R11                 // factors
	MOVQ DI, R9                  // masks of the part
	LEAQ 64(DI), R8              // scores of the part
	XORL R12, R12                // number of the part

part:
	MOVQ   SI, AX
	MOVQ   R10, BX
	MOVQ   R11, CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11

factor:
	VMOVUPS (BX), Y12
	VMOVUPS 32(BX), Y13
	LINE2(0, Y14, Y0, Y1)
	LINE2(1, Y15, Y2, Y3)
	LINE2(2, Y14, Y4, Y5)
	LINE2(3, Y15, Y6, Y7)
	LINE2(4, Y14, Y8, Y9)
	LINE2(5, Y15, Y10, Y11)
	ADDQ $48, AX
	ADDQ $128, BX
	DECQ CX
	JNZ  factor
	FIND2(0, Y0, Y1)
	FIND2(1, Y2, Y3)
	FIND2(2, Y4, Y5)
	FIND2(3, Y6, Y7)
	FIND2(4, Y8, Y9)
	FIND2(5, Y10, Y11)

	// Users 0 to 5 have items 0 to 15, then 16 to 31; then users 6 to 11.
	INCL  R12
	TESTL $1, R12
	JZ    users
	ADDQ  $64, R10
	ADDQ  $64, R8
	ADDQ  $2, R9
	JMP   part

users:
	CMPL R12, $4
	JEQ  end
	SUBQ $64, R10
	ADDQ $(6*128-64), R8
	ADDQ $(6*4-2), R9
	ADDQ $(6*4), SI
	ADDQ $(6*4), DX
	JMP  part

end:
	// The bits of what is not wanted go, and a bit is found for each mask that is not 0.
	MOVQ      wanted+56(FP), AX
	VMOVDQU   (DI), Y1
	VMOVDQU   32(DI), X2
	VPAND     (AX), Y1, Y1
	VPAND     32(AX), X2, X2
	VMOVDQU   Y1, (DI)
	VMOVDQU   X2, 32(DI)
	VPXOR     X0, X0, X0
	VPCMPEQD  Y0, Y1, Y1
	VPCMPEQD  X0, X2, X2
	VMOVMSKPS Y1, AX
	VMOVMSKPS X2, BX
	SHLL      $8, BX
	ORL       BX, AX
	XORL      $0xfff, AX
	MOVL      AX, found+72(FP)
	VZEROUPPER
	RET
