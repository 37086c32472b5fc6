// Refuses operations that go too deep, or give one field too many names or directives, before
// anything of them runs. Rules of our own: they are sums and a maximum over the selections, while the
// usual package (graphql-armor) is tied to a major version of graphql-js and answers 500 on the next.
import { GraphQLError, Kind } from 'graphql'
import type { ASTNode, ASTVisitor, FieldNode, SelectionNode, ValidationContext } from 'graphql'

// Servers, their tools, the provider of each and its tools' names are 11 by way of `edges` and `node`.
const MAX_DEPTH = 12
// GraphiQL's introspection is 15 deep, and describes types of nine list and non-null wrappers.
const MAX_INTROSPECTION_DEPTH = 20
// An alias runs its field once more; a person who compares pages needs a handful.
const MAX_ALIASES = 15
// Each of them is evaluated at every object that its field is asked of.
const MAX_DIRECTIVES = 50
// Fields of one name in one place are compared with each other, pair by pair, when an operation is
// checked: 140 of them took graphql-js 25 to 60 ms. Nobody writes a field down twice.
const MAX_REPEATS = 10
// From here on a number is printed as `1.1e+9`.
const MANY = 1_000_000

interface Shape {
  /** Fields on the longest way down, those below `__schema` and `__type` left out. */
  readonly depth: number
  readonly aliases: number
  readonly directives: number
  /** How often the most frequent name of an answer stands in one place. */
  readonly repeats: number
  /** Names of the answer to how often they stand in this place, fragments included. */
  readonly names: ReadonlyMap<string, number>
}

const EMPTY: Shape = { depth: 0, aliases: 0, directives: 0, repeats: 0, names: new Map() }

/** A validation rule for graphql-js: depth, aliases, repeated fields and directives, each spread fragment counted. */
export function shapeRule(context: ValidationContext): ASTVisitor {
  const refuse = (nodes: ASTNode, what: string, count: number, limit: number): void => {
    if (count <= limit) return
    const printed = count < MANY ? String(count) : count.toExponential(1)
    const message = `The operation has ${printed} ${what}, the limit is ${limit}`
    context.reportError(new GraphQLError(message, { nodes }))
  }
  const shapeOfSelections = createCounter(context)
  return {
    OperationDefinition(operation) {
      const shape = shapeOfSelections(operation.selectionSet.selections)
      const { depth, aliases, directives, repeats } = shape
      const own = [operation, ...(operation.variableDefinitions ?? [])]
      refuse(operation, 'levels of fields', depth, MAX_DEPTH)
      refuse(operation, 'aliases', aliases, MAX_ALIASES)
      refuse(operation, 'fields of one name in one place', repeats, MAX_REPEATS)
      refuse(operation, 'directives', directives + sum(own.map(countDirectives)), MAX_DIRECTIVES)
    },
    Field(field) {
      if (!isIntrospection(field)) return
      const { depth } = shapeOfSelections(field.selectionSet?.selections ?? [])
      refuse(field, 'levels of introspection', depth + 1, MAX_INTROSPECTION_DEPTH)
    },
  }
}

function createCounter(context: ValidationContext): (all: readonly SelectionNode[]) => Shape {
  // Once per fragment: what fragments of fragments double costs nothing to count.
  const shapes = new Map<string, Shape>()

  const shapeOfFragment = (name: string): Shape => {
    const known = shapes.get(name)
    if (known !== undefined) return known
    shapes.set(name, EMPTY) // A cycle is another rule's to refuse.
    const fragment = context.getFragment(name)
    if (!fragment) return EMPTY
    const { directives, ...below } = shapeOfSelections(fragment.selectionSet.selections)
    const shape = { ...below, directives: directives + countDirectives(fragment) }
    shapes.set(name, shape)
    return shape
  }
  const shapeOfSelection = (selection: SelectionNode): Shape => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return shapeOfFragment(selection.name.value)
    const below = shapeOfSelections(selection.selectionSet?.selections ?? [])
    if (selection.kind === Kind.INLINE_FRAGMENT) return below
    return {
      depth: 1 + (isIntrospection(selection) ? 0 : below.depth),
      aliases: below.aliases + (selection.alias === undefined ? 0 : 1),
      directives: below.directives,
      repeats: below.repeats,
      names: new Map([[selection.alias?.value ?? selection.name.value, 1]]),
    }
  }
  const shapeOfSelections = (selections: readonly SelectionNode[]): Shape => {
    const shapes = selections.map(shapeOfSelection)
    const names = addUp(shapes)
    return {
      depth: Math.max(0, ...shapes.map(({ depth }) => depth)),
      aliases: sum(shapes.map(({ aliases }) => aliases)),
      directives: sum([
        ...shapes.map(({ directives }) => directives),
        ...selections.map(countDirectives),
      ]),
      repeats: Math.max(0, ...names.values(), ...shapes.map(({ repeats }) => repeats)),
      names,
    }
  }
  return shapeOfSelections
}

function addUp(shapes: readonly Shape[]): ReadonlyMap<string, number> {
  const total = new Map<string, number>()
  for (const { names } of shapes) {
    for (const [name, count] of names) total.set(name, (total.get(name) ?? 0) + count)
  }
  return total
}

/** Its types refer to each other in circles; graphql-js bounds the lists in them by a rule of its own. */
function isIntrospection({ name }: FieldNode): boolean {
  return name.value === '__schema' || name.value === '__type'
}

function countDirectives({ directives }: { readonly directives?: readonly unknown[] }): number {
  return directives?.length ?? 0
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
