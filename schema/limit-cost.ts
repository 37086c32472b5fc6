// Refuses operations whose answer could be enormous, before anything of them runs. The cost is the
// number of fields that the answer can have: a list multiplies what is below it by its `first`.
import { GraphQLError, Kind } from 'graphql'
import type { ASTVisitor, FieldNode, SelectionSetNode, ValidationContext } from 'graphql'

// A page of 100 servers with 100 tools each and eight fields of each tool is 80,000: about 15 MB.
const MAX_COST = 100_000
// What a list has where `first` is a variable, whose value is not known yet, or another number is missing.
const MAX_PAGE = 100

/** A validation rule for graphql-js. */
export function costRule(context: ValidationContext): ASTVisitor {
  const costs = new Map<string, number>()

  const costOfSelection = ({ selections }: SelectionSetNode): number => {
    let sum = 0
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) sum += costOfField(selection)
      else if (selection.kind === Kind.INLINE_FRAGMENT)
        sum += costOfSelection(selection.selectionSet)
      else sum += costOfFragment(selection.name.value)
    }
    return sum
  }
  // Once per fragment: what fragments of fragments double costs nothing to count.
  const costOfFragment = (name: string): number => {
    const known = costs.get(name)
    if (known !== undefined) return known
    costs.set(name, 0) // A cycle is another rule's to refuse.
    const fragment = context.getFragment(name)
    const cost = fragment ? costOfSelection(fragment.selectionSet) : 0
    costs.set(name, cost)
    return cost
  }
  const costOfField = (field: FieldNode): number =>
    1 + (field.selectionSet ? countOf(field) * costOfSelection(field.selectionSet) : 0)

  return {
    OperationDefinition(operation) {
      const cost = costOfSelection(operation.selectionSet)
      if (cost <= MAX_COST) return
      context.reportError(
        new GraphQLError(
          `The answer could have ${cost.toExponential(1)} fields, the limit is ${MAX_COST}; ask for smaller pages or fewer lists in lists`,
          { nodes: operation },
        ),
      )
    },
  }
}

/** How often what is below the field can be in the answer. */
function countOf(field: FieldNode): number {
  for (const { name, value } of field.arguments ?? []) {
    if (name.value === 'ids') return value.kind === Kind.LIST ? value.values.length : MAX_PAGE
    if (name.value !== 'first') continue
    return value.kind === Kind.INT ? Math.min(Math.max(Number(value.value), 1), MAX_PAGE) : MAX_PAGE
  }
  return 1
}
