"""What may be dialed when: rules as pure functions, and the one gate that asks them all.

Never knows campaigns, agents or pacing: it is asked with a dossier and answers Allowed or Refused.
"""
