# SPDX-License-Identifier: MIT
#
# What zsh offers for a line, one word a line: zsh -f complete.zsh FUNCTIONS LINE. A shell on a
# terminal of its own loads the function as a user's does, and a Tab is pressed.
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
