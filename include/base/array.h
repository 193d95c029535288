/* SPDX-License-Identifier: MIT */
#pragma once

/* The number of elements of an array. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
