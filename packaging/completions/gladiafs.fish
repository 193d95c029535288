# SPDX-License-Identifier: MIT
# fish completion for gladiafs. The options come from gladiafs --help.

# Completes the last word of the list of options after "-o".
function __gladiafs_options
    set -l typed (string replace -r '^-o' '' -- (commandline -ct))
    set -l before (string match -r '^.*,' -- $typed)
    set -l last (string replace -r '^.*,' '' -- $typed)
    set -l words (commandline -opc)
    for line in ($words[1] --help 2>/dev/null)
        string match -qr '^    (?<name>[a-z_]+)(?<equals>=)?(?<shape>[^ ]+)? +(?<help>.*)$' -- $line
        or continue
        if not string match -q '*=*' -- $last
            printf '%s%s%s\t%s\n' "$before" $name "$equals" $help
        else if test (string replace -r '=.*' '' -- $last) = $name
            __gladiafs_values "$before$name=" "$shape" (string replace -r '^[^=]*=' '' -- $last)
        end
    end
end

# __gladiafs_values BEFORE SHAPE TYPED: completes the value of an option.
function __gladiafs_values
    switch $argv[2]
        case PATH
            for path in (__fish_complete_path $argv[3])
                echo $argv[1]$path
            end
        case USER
            for user in (__fish_complete_users)
                echo $argv[1]$user
            end
        case GROUP
            for group in (__fish_complete_groups)
                echo $argv[1]$group
            end
        case '*|*'
            for word in (string split '|' -- $argv[2])
                echo $argv[1]$word
            end
    end
end

# Prints the names of the profiles.
function __gladiafs_profiles
    set -l config $HOME/.config
    set -q XDG_CONFIG_HOME; and set config $XDG_CONFIG_HOME
    for file in $config/gladiafs/*.conf /etc/gladiafs/*.conf
        set -l name (string replace -r '^.*/(.*)\.conf$' '$1' -- $file)
        test $name = gladiafs; or echo $name
    end
end

complete -c gladiafs -f -a '(__gladiafs_profiles)' -d 'profile'
complete -c gladiafs -f -a '(__fish_complete_directories (commandline -ct))'
complete -c gladiafs -s o -x -a '(__gladiafs_options)' -d 'options'
for line in (gladiafs --help 2>/dev/null)
    string match -qr '^    (-(?<letter>[A-Za-z]))?(, )?(--(?<long>[a-z-]+))? +(?<help>.*)$' -- $line
    or continue
    if test -n "$letter" -a -n "$long"
        complete -c gladiafs -s $letter -l $long -d $help
    else if test -n "$letter"
        complete -c gladiafs -s $letter -d $help
    else if test "$long" = cache
        complete -c gladiafs -l $long -d $help -f -a 'clean clean-all'
    else if test -n "$long"
        complete -c gladiafs -l $long -d $help
    end
end
