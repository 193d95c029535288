# SPDX-License-Identifier: MIT
#
# Prints the words that zsh offers for a line, one per line: zsh -f complete.zsh FUNCTIONS LINE.
# Starts a shell on its own terminal, which loads the function as a user's shell does, and
# presses Tab.
zmodload zsh/zpty
zpty zsh zsh -f -i
zpty -w zsh "PROMPT=; fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D
compadd() {
	local -a found
	builtin compadd -O found \"\$@\"
	(( \$@[(I)-[OAD]] )) || offered+=(\$IPREFIX\$^found)
	builtin compadd \"\$@\"
}
look() {
	local -aU offered
	_main_complete
	compstate[insert]= compstate[list]=
	print -r -- BEGIN
	print -rl -- \$offered
	print -r -- END
}
zle -C look complete-word look
bindkey '^I' look
print READY"
local line
while zpty -r zsh line && [[ $line != READY* ]]; do :; done
zpty -n -w zsh "$2"$'\t'
while zpty -r zsh line && [[ $line != *BEGIN* ]]; do :; done
while zpty -r zsh line && [[ $line != END* ]]; do print -r -- "${line%%$'\r'*}"; done
zpty -d zsh
