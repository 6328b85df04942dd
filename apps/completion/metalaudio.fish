# Completion of metalaudio for fish: the program itself says what a word can be.
function __metalaudio_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l answer ($words[1] complete -- $words[2..] "$word" 2>/dev/null)
    if set -q answer[2]
        string join \n -- $answer[1..-2]
        return
    end
    # The name of a file may stand behind --out=.
    set -l before (string match -r -- '^--[^=]*=' "$word")
    set -l path (string replace -- "$before" '' "$word")
    switch "$answer"
        case ':files'
            string replace -r -- '^' "$before" (__fish_complete_path "$path")
        case ':folders'
            string replace -r -- '^' "$before" (__fish_complete_directories "$path" '')
    end
end
complete -c metalaudio -f -k -a '(__metalaudio_complete)'
