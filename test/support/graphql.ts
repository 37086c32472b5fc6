// A GraphQL request over HTTP, as a script of a user's would send it.

/** The parsed answer; the caller names the shape it expects. */
export async function graphql<T>(
  url: string,
  apiKey: string,
  query: string,
  variables: object = {},
): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const answer = (await response.json()) as { data?: T; errors?: unknown }
  if (answer.data === undefined || answer.errors !== undefined)
    throw new Error(JSON.stringify(answer))
  return answer.data
}
