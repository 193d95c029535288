#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Prints the words that bash offers for a line, one per line: complete.bash COMPLETIONS LINE.
# Calls the function as bash does if Tab is pressed: with the line, and the word that readline
# sees.
set -euo pipefail
# shellcheck disable=SC1090 # the file under test
. "$1"
[[ $(complete -p gladiafs) == 'complete -F _gladiafs gladiafs' ]]
compopt() { :; } # it works at a Tab alone

# For readline, words end at COMP_WORDBREAKS.
word=${2##*[ =:]}
COMP_LINE=$2
COMP_POINT=${#2}
_gladiafs gladiafs "$word" ''
if ((${#COMPREPLY[@]} > 0)); then
	printf '%s\n' "${COMPREPLY[@]/#/${2%"$word"}}"
fi
