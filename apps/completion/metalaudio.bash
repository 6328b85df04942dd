# Completion of metalaudio for bash: the program itself says what a word can be.
_metalaudio() {
  local word i words=() glue=
  # Bash cuts words at = and : as well; the program reads them whole.
  for ((i = 1; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $i -gt 1 && ($glue || $word == [=:]*) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == *[=:] ]] && glue=1 || glue=
  done
  word=${words[-1]}

  local also= line cut=${word%"${word##*[=:]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) also=${line#:} ;;
      *) line=${line%%$'\t'*}
        # What is before the last = or : stands on the line already.
        COMPREPLY+=("${line#"$cut"}") ;;
    esac
  done < <("${COMP_WORDS[0]/#\~/$HOME}" complete -- "${words[@]}" 2>/dev/null)

  compopt -o nosort 2>/dev/null
  case $also in
    more) compopt -o nospace ;;
    folders)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -d -- "${word##*[=:]}") ;;
    files) ;; # none of the words: the names of files, which is readline's default
    *) compopt +o default +o bashdefault ;;
  esac
}
complete -o bashdefault -o default -F _metalaudio metalaudio
