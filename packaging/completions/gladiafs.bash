# SPDX-License-Identifier: MIT
# bash completion for gladiafs. The options come from gladiafs --help.

# _gladiafs_help LETTERS|OPTIONS: prints the switches ("-f", "--help"...), or the options of -o
# ("ttl=TIME", "allow_other"...).
_gladiafs_help() {
	local line letters='^ +(-[[:alnum:]])?(, )?(--[a-z-]+)?' option='^    ([a-z_]+(=[^ ]+)?) '
	while IFS= read -r line; do
		if [[ $1 == OPTIONS && $line =~ $option ]]; then
			printf '%s\n' "${BASH_REMATCH[1]}"
		elif [[ $1 == LETTERS && $line == '    -'* && $line =~ $letters ]]; then
			printf '%s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
		fi
	done < <("$_gladiafs_program" --help 2>/dev/null)
}

# _gladiafs_options WORD: completes the last word of the list of options after "-o".
_gladiafs_options() {
	local word=${1#-o} before='' shape names=()
	if [[ $word == *,* ]]; then
		before=${word%,*},
		word=${word##*,}
	fi
	if [[ $1 == -o* ]]; then
		before=-o$before
	fi
	compopt -o nospace
	if [[ $word != *=* ]]; then
		mapfile -t names < <(_gladiafs_help OPTIONS | sed 's/=.*/=/')
		mapfile -t COMPREPLY < <(compgen -P "$before" -W "${names[*]}" -- "$word")
		return
	fi
	while IFS= read -r shape; do
		[[ ${shape%%=*} == "${word%%=*}" ]] || continue
		case ${shape#*=} in
		PATH)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -P "$before${word%%=*}=" -- "${word#*=}")
			;;
		USER) mapfile -t COMPREPLY < <(compgen -u -P "$before${word%%=*}=" -- "${word#*=}") ;;
		GROUP) mapfile -t COMPREPLY < <(compgen -g -P "$before${word%%=*}=" -- "${word#*=}") ;;
		*'|'*)
			mapfile -t COMPREPLY < <(
				compgen -P "$before${word%%=*}=" -W "$(tr '|' ' ' <<<"${shape#*=}")" -- "${word#*=}"
			)
			;;
		esac
	done < <(_gladiafs_help OPTIONS)
}

# _gladiafs_profiles: prints the names of the profiles.
_gladiafs_profiles() {
	local file
	for file in "${XDG_CONFIG_HOME:-$HOME/.config}"/gladiafs/*.conf /etc/gladiafs/*.conf; do
		file=${file##*/}
		file=${file%.conf}
		if [[ $file != '*' && $file != gladiafs ]]; then
			printf '%s\n' "$file"
		fi
	done
}

# _gladiafs_cut TYPED WHOLE: readline splits words at "=" and ":", so removes from the
# completions the part of WHOLE before TYPED.
_gladiafs_cut() {
	local typed=$1 whole=$2
	local kept=${whole%"$typed"} i
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
	done
}

_gladiafs() {
	local _gladiafs_program=$1 line=${COMP_LINE:0:COMP_POINT} whole
	whole=${line##*[[:space:]]}
	COMPREPLY=()
	if [[ $line =~ [[:space:]]-o[[:space:]]*[^[:space:]]*$ && $line != *[[:space:]]-o ]]; then
		_gladiafs_options "$whole"
		_gladiafs_cut "$2" "$whole"
	elif [[ $whole == --cache=* ]]; then
		mapfile -t COMPREPLY < <(
			compgen -P --cache= -W 'clean clean-all' -- "${whole#--cache=}"
		)
		_gladiafs_cut "$2" "$whole"
	elif [[ $whole == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "-o $(_gladiafs_help LETTERS)" -- "$whole")
	else
		compopt -o filenames
		mapfile -t COMPREPLY < <(
			compgen -A directory -- "$2" || true
			compgen -W "$(_gladiafs_profiles)" -- "$2"
		)
	fi
} && complete -F _gladiafs gladiafs
