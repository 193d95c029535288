#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What bash offers for a line, one word a line: complete.bash COMPLETIONS LINE. As bash does
# it itself at a Tab: the function is called with the line, and the word that readline sees.
set -euo pipefail
# shellcheck disable=SC1090 # the file under test
. "$1"
[[ $(complete -p gladiafs) == 'complete -F _gladiafs gladiafs' ]]
compopt() { :; } # it works at a Tab alone

# readline sees words end at COMP_WORDBREAKS.
word=${2##*[ =:]}
COMP_LINE=$2
COMP_POINT=${#2}
_gladiafs gladiafs "$word" ''
if ((${#COMPREPLY[@]} > 0)); then
	printf '%s\n' "${COMPREPLY[@]/#/${2%"$word"}}"
fi
