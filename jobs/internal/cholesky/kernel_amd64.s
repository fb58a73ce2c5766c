#include "textflag.h"

// COLUMN adds to the sums of column i the products of its number in b (from BX) and of 32 rows of a, in Z16 and Z17.
#define COLUMN(i, number, low, high) \
	VBROADCASTSS i(BX), number    \
	VFMADD231PS  number, Z16, low \
	VFMADD231PS  number, Z17, high

// STEP is a column of the panels.
#define STEP(at) \
	VMOVUPS at(AX), Z16      \
	VMOVUPS 64+at(AX), Z17   \
	COLUMN(at, Z18, Z0, Z1)     \
	COLUMN(4+at, Z19, Z2, Z3)   \
	COLUMN(8+at, Z20, Z4, Z5)   \
	COLUMN(12+at, Z21, Z6, Z7)  \
	COLUMN(16+at, Z22, Z8, Z9)  \
	COLUMN(20+at, Z23, Z10, Z11) \
	COLUMN(24+at, Z24, Z12, Z13) \
	COLUMN(28+at, Z25, Z14, Z15)

// ADD adds to 32 rows of c (from DI) the sums times sign, in Z31. The product is exact: so the sum is rounded once.
#define ADD(at, low, high) \
	VMOVUPS     at(DI), Z16        \
	VMOVUPS     64+at(DI), Z17     \
	VFMADD231PS low, Z31, Z16      \
	VFMADD231PS high, Z31, Z17     \
	VMOVUPS     Z16, at(DI)        \
	VMOVUPS     Z17, 64+at(DI)

// func updateAVX512(c *tile, a, b []float32, sign float32, ahead *float32)
TEXT ·updateAVX512(SB), NOSPLIT, $0-72
	MOVQ         c+0(FP), DI
	MOVQ         a_base+8(FP), SI
	MOVQ         a_len+16(FP), R8
	MOVQ         b_base+32(FP), R9
	VBROADCASTSS sign+56(FP), Z31
	MOVQ         ahead+64(FP), R12
	SHRQ         $7, R8           // columns, by 4
	MOVQ         $4, R10

part:
	MOVQ   SI, AX
	MOVQ   R9, BX
	MOVQ   R8, CX
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

columns:
	PREFETCHT1 (R12)
	STEP(0)
	STEP(128)
	STEP(256)
	STEP(384)
	ADDQ $512, AX
	ADDQ $512, BX
	ADDQ $32, R12
	DECQ CX
	JNZ  columns
	ADD(0, Z0, Z1)
	ADD(128, Z2, Z3)
	ADD(256, Z4, Z5)
	ADD(384, Z6, Z7)
	ADD(512, Z8, Z9)
	ADD(640, Z10, Z11)
	ADD(768, Z12, Z13)
	ADD(896, Z14, Z15)
	ADDQ $1024, DI
	ADDQ $32, R9
	DECQ R10
	JNZ  part
	VZEROUPPER
	RET

// COLUMN2 adds to the sums of column i the products of its number in b (from BX) and of 16 rows of a, in Y8 and Y9.
#define COLUMN2(i, number, low, high) \
	VBROADCASTSS i(BX), number   \
	VFMADD231PS  number, Y8, low \
	VFMADD231PS  number, Y9, high

// STEP2 is a column of the panels.
#define STEP2(at) \
	VMOVUPS at(AX), Y8        \
	VMOVUPS 32+at(AX), Y9     \
	COLUMN2(at, Y10, Y0, Y1)    \
	COLUMN2(4+at, Y11, Y2, Y3)  \
	COLUMN2(8+at, Y12, Y4, Y5)  \
	COLUMN2(12+at, Y13, Y6, Y7)

// ADD2 adds to 16 rows of c (from DI) the sums times sign, in Y15.
#define ADD2(at, low, high) \
	VMOVUPS     at(DI), Y8      \
	VMOVUPS     32+at(DI), Y9   \
	VFMADD231PS low, Y15, Y8    \
	VFMADD231PS high, Y15, Y9   \
	VMOVUPS     Y8, at(DI)      \
	VMOVUPS     Y9, 32+at(DI)

// func updateAVX2(c *tile, a, b []float32, sign float32, ahead *float32)
TEXT ·updateAVX2(SB), NOSPLIT, $0-72
	MOVQ         c+0(FP), DI
	MOVQ         a_base+8(FP), SI
	MOVQ         a_len+16(FP), R8
	MOVQ         b_base+32(FP), R9
	VBROADCASTSS sign+56(FP), Y15
	MOVQ         ahead+64(FP), R12
	SHRQ         $8, R8           // columns, by 8
	MOVQ         $8, R10

columns4:
	MOVQ $2, R11

half:
	MOVQ  SI, AX
	MOVQ  R9, BX
	MOVQ  R8, CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

step:
	PREFETCHT1 (R12)
	STEP2(0)
	STEP2(128)
	STEP2(256)
	STEP2(384)
	STEP2(512)
	STEP2(640)
	STEP2(768)
	STEP2(896)
	ADDQ $1024, AX
	ADDQ $1024, BX
	ADDQ $16, R12
	DECQ CX
	JNZ  step
	ADD2(0, Y0, Y1)
	ADD2(128, Y2, Y3)
	ADD2(256, Y4, Y5)
	ADD2(384, Y6, Y7)
	ADDQ $64, DI
	ADDQ $64, SI
	DECQ R11
	JNZ  half
	SUBQ $128, SI
	ADDQ $384, DI
	ADDQ $16, R9
	DECQ R10
	JNZ  columns4
	VZEROUPPER
	RET
