import type { Place } from './places.ts'

/** A completion script for each shell, from the tree of commands. */
export const scripts = { bash: toBash, zsh: toZsh, fish: toFish } as const satisfies Record<
  string,
  (places: readonly Place[]) => string
>

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const below = (places: readonly Place[]) => places.map(({ place }) => place).filter((place) => place !== '')
const choicesOf = (places: readonly Place[]) =>
  places.flatMap(({ place, choices }) =>
    choices.map(({ flag, values }) => ({ at: `${place} ${flag}`, values })),
  )

function toBash(places: readonly Place[]): string {
  const choices = choicesOf(places).map(
    ({ at, values }) => `    ${quote(at)}) words=${quote(values.join(' '))} ;;`,
  )
  const words = places.map(
    ({ place, words }) => `    ${quote(place)}) words=${quote(words.map(({ word }) => word).join(' '))} ;;`,
  )
  return `# eval "$(signalbox completion bash)" in ~/.bashrc
_signalbox() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" place='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place/$word" in
    ${below(places).join('|')}) place="$place/$word" ;;
    esac
  done
  case "$place $previous" in
${choices.join('\n')}
  *)
    case "$place" in
${words.join('\n')}
    esac
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _signalbox signalbox
`
}

function toZsh(places: readonly Place[]): string {
  const describe = (word: string, description: string) =>
    quote(`${word}:${description.replaceAll(':', '\\:')}`)
  const choices = choicesOf(places).map(
    ({ at, values }) => `    ${quote(at)}) found=(${values.join(' ')}) ;;`,
  )
  const words = places.map(
    ({ place, words }) =>
      `    ${quote(place)}) found=(${words.map(({ word, description }) => describe(word, description)).join(' ')}) ;;`,
  )
  return `#compdef signalbox
# eval "$(signalbox completion zsh)" in ~/.zshrc, after compinit
_signalbox() {
  local place='' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place/$word" in
    ${below(places).join('|')}) place="$place/$word" ;;
    esac
  done
  case "$place \${words[CURRENT-1]}" in
${choices.join('\n')}
  *)
    case "$place" in
${words.join('\n')}
    esac
  esac
  _describe signalbox found
}
compdef _signalbox signalbox
`
}

function toFish(places: readonly Place[]): string {
  const lines = places.flatMap(({ place, words, choices }) =>
    words.map(({ word, description }) => {
      const values = choices.find(({ flag }) => flag === word)?.values
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
      const taking = values ? ` -x -a ${quote(values.join(' '))}` : ''
      return `complete -c signalbox -n '__signalbox_at "${place}"' ${what}${taking} -d ${quote(description)}`
    }),
  )
  return `# signalbox completion fish > ~/.config/fish/completions/signalbox.fish
function __signalbox_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    if contains -- "$place/$word" ${below(places).join(' ')}
      set place "$place/$word"
    end
  end
  test "$place" = "$argv[1]"
end
complete -c signalbox -f
${lines.join('\n')}
`
}
